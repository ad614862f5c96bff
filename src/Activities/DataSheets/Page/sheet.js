
"use strict";
(() => {
  const { data, axis, frame, palette, variable, percent, total, isDark } = page;

  const drawings = {
    rejections() {
      const count = (reason, language) => total(data.rejections.filter(r => r.reason === reason && (!language || r.language === language)), r => r.count);
      const reasons = [...new Set(data.rejections.map(r => r.reason))].sort((a, b) => count(a) - count(b));
      return frame({
        tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
        grid: { top: 40, left: 20, right: 16, bottom: 8, containLabel: true },
        xAxis: axis({ type: "value" }),
        yAxis: axis({ type: "category", data: reasons, splitLine: { show: false } }),
        series: data.languages.map(language => ({ name: language, type: "bar", stack: "all", barMaxWidth: 26, data: reasons.map(reason => count(reason, language)) })),
      });
    },

    iterations(choice) {
      const of = iteration => choice === "all" ? iteration : iteration.languages.find(l => l.language === choice) || {};
      const lines = data.iterations.some(i => i.accuracy != null)
        ? [["precision (of kept)", i => of(i).precision], ["accuracy (of all)", i => of(i).accuracy]]
        : [["kept of rated", i => of(i).rated ? of(i).kept / of(i).rated : null]];
      const base = !data.baselines ? null : choice === "all" ? data.baselines : data.baselines.languages.find(l => l.language === choice);
      const flat = base ? [["naive Bayes", base.naiveBayes], ["chance", base.chance]] : [];
      return frame({
        tooltip: { trigger: "axis", valueFormatter: percent },
        xAxis: axis({ type: "category", data: data.iterations.map(i => "iteration " + i.iteration), splitLine: { show: false } }),
        yAxis: axis({ type: "value", min: 0, max: 1, axisLabel: { color: variable("--soft"), formatter: value => 100 * value + "%" } }),
        series: [
          ...lines.map(([name, value]) => ({ name, type: "line", symbol: "circle", symbolSize: 9, lineStyle: { width: 3 }, data: data.iterations.map(i => value(i) ?? null) })),
          ...flat.map(([name, value]) => ({ name, type: "line", symbol: "none", lineStyle: { width: 1.5, type: "dashed" }, data: data.iterations.map(() => value) })),
        ],
      });
    },

    scores(choice) {
      const chosen = data.scores.filter(s => choice === "all" || s.language === choice);
      const sum = member => chosen[0] ? chosen[0][member].map((_, i) => total(chosen, s => s[member][i])) : [];
      const all = sum("rated"), width = 1 / (all.length || 1);
      // Only where there is something, with a little air.
      const first = Math.max(0, all.findIndex(n => n > 0) - 3), last = Math.min(all.length, all.findLastIndex(n => n > 0) + 4);
      const rated = all.slice(first, last), released = sum("released").slice(first, last);
      const edge = i => ((first + i) * width).toFixed(2);
      return frame({
        color: [variable("--mute"), variable("--accent")],
        tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
        grid: { top: 40, left: 8, right: 16, bottom: 30, containLabel: true },
        xAxis: axis({ type: "category", data: rated.map((_, i) => edge(i) + "–" + edge(i + 1)), splitLine: { show: false }, name: "P(level 2)", nameLocation: "middle", nameGap: 32 }),
        yAxis: axis({ type: "value" }),
        series: [
          { name: "rated", type: "bar", barGap: "-100%", barCategoryGap: "8%", data: rated },
          { name: "released", type: "bar", barCategoryGap: "8%", data: released },
        ],
      });
    },

    map(choice) {
      const map = data.maps.find(m => m.language === choice) || data.maps[0];
      const colours = palette();
      return frame({
        legend: { show: false },
        grid: { top: 14, left: 8, right: 16, bottom: 8, containLabel: true },
        tooltip: { formatter: p => p.data.instruction + "\ncluster " + p.data.cluster },
        xAxis: axis({ type: "value", scale: true }),
        yAxis: axis({ type: "value", scale: true }),
        series: [{
          type: "scatter", symbolSize: map.points.length > 400 ? 7 : 11,
          data: map.points.map(p => ({ value: [p.x, p.y], instruction: p.instruction, cluster: p.cluster, itemStyle: { color: colours[p.cluster % colours.length], opacity: 0.7 } })),
        }],
      });
    },

    verbs() {
      const colours = palette();
      const label = { color: isDark() ? "#14171d" : "#ffffff", textBorderWidth: 0 };
      return frame({
        tooltip: { formatter: p => p.name ? p.treePathInfo.slice(1).map(n => n.name).join(" ") + "  " + p.value : "" },
        series: [{
          type: "sunburst", radius: ["16%", "96%"], nodeClick: false, sort: null,
          itemStyle: { borderColor: variable("--card"), borderWidth: 2 },
          emphasis: { focus: "ancestor" },
          levels: [
            {},
            { r0: "16%", r: "54%", label: { ...label, rotate: "radial", minAngle: 7, fontSize: 13 } },
            { r0: "54%", r: "96%", label: { ...label, rotate: "radial", minAngle: 4, fontSize: 12, overflow: "truncate", width: 88 }, itemStyle: { opacity: 0.85 } },
          ],
          data: data.verbs.map((v, i) => ({
            name: v.verb, value: v.count, itemStyle: { color: colours[i % colours.length] },
            children: v.objects.map(o => ({ name: o.object, value: o.count, itemStyle: { color: colours[i % colours.length] } })),
          })),
        }],
      });
    },
  };

  const choices = { iterations: ["all", ...data.languages], scores: ["all", ...data.languages], map: data.maps.map(m => m.language) };

  page.start({ drawings, choices, tall: ["map", "verbs"] });
})();
