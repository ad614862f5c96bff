
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const preference = matchMedia("(prefers-color-scheme: dark)");
  const data = JSON.parse(document.getElementById("data").textContent);
  const light = ["#1f6f8b", "#c9772b", "#5b8c4a", "#8a5a9e", "#b8473d", "#3c5fa8", "#99803a", "#2f8f86", "#a8527f", "#6b6f7a"];
  const dark = ["#63b7d4", "#e3a061", "#93c47d", "#c096d8", "#e58379", "#86a5ea", "#d1bb71", "#6fcbc1", "#e08fb9", "#a5abb8"];
  const variable = name => getComputedStyle(root).getPropertyValue(name).trim();
  const isDark = () => root.dataset.theme === "dark";
  const palette = () => isDark() ? dark : light;
  const percent = value => value == null ? "" : (100 * value).toFixed(1) + "%";
  const total = (items, value) => items.reduce((sum, item) => sum + value(item), 0);
  const charts = [];

  function axis(extra) {
    const text = { color: variable("--soft") };
    const line = { lineStyle: { color: variable("--line") } };
    return { axisLabel: text, nameTextStyle: text, axisLine: line, axisTick: line, splitLine: line, ...extra };
  }

  // The tooltip is drawn on the canvas, never parsed: no text in it can become mark-up.
  function frame(extra) {
    return {
      animation: false,
      color: palette(),
      textStyle: { color: variable("--ink"), fontFamily: "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif" },
      legend: { top: 0, left: 0, type: "scroll", textStyle: { color: variable("--ink") }, pageTextStyle: { color: variable("--soft") } },
      grid: { top: 40, left: 8, right: 16, bottom: 8, containLabel: true },
      ...extra,
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: variable("--card"), borderColor: variable("--line"),
        textStyle: { color: variable("--ink"), fontSize: 13, width: 280, overflow: "break" }, ...extra.tooltip,
      },
    };
  }

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

  function choose(chart, names) {
    if (names.length < 2 || (names.length === 2 && names[0] === "all")) return;
    const select = document.createElement("select");
    select.setAttribute("aria-label", "Language");
    for (const name of names) select.append(new Option(name === "all" ? "all languages" : name, name));
    select.addEventListener("change", () => { chart.choice = select.value; chart.draw(); });
    chart.element.parentElement.querySelector(".choice").append(select);
  }

  function draw() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const name = element.dataset.chart;
      if (name === "map" || name === "verbs") element.classList.add("tall");
      const chart = { element, choice: choices[name] ? choices[name][0] : null };
      chart.canvas = echarts.init(element);
      chart.draw = () => chart.canvas.setOption(drawings[name](chart.choice), true);
      choose(chart, choices[name] || []);
      charts.push(chart);
    }
  }

  function setTheme(theme) {
    root.dataset.theme = theme;
    button.textContent = isDark() ? "Light" : "Dark";
    for (const chart of charts) chart.draw();
  }

  if (typeof echarts !== "undefined") draw();
  setTheme(preference.matches ? "dark" : "light");
  button.hidden = false;
  button.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  preference.addEventListener("change", () => setTheme(preference.matches ? "dark" : "light"));
  addEventListener("resize", () => { for (const chart of charts) chart.canvas.resize(); });
})();
