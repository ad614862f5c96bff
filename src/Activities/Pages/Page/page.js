
"use strict";
(() => {
  // What every page has; its own script calls page.start with what it draws.
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

  // A bar a line with its interval as a whisker.
  function intervals(lines, label, value, low, high, extra) {
    const names = lines.map(label);
    return frame({
      legend: { show: false },
      grid: { top: 12, left: 30, right: 24, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => {
        const line = lines[items[0].dataIndex];
        return names[items[0].dataIndex] + "\n" + value(line).toFixed(3) + (low(line) == null ? "" : "  [" + low(line).toFixed(3) + ", " + high(line).toFixed(3) + "]");
      } },
      xAxis: axis({ type: "value", ...extra }),
      yAxis: axis({ type: "category", inverse: true, data: names, splitLine: { show: false } }),
      series: [
        { type: "bar", barMaxWidth: 26, data: lines.map(value), itemStyle: { color: variable("--accent"), opacity: 0.75 }, markLine: extra.line == null ? undefined : { symbol: "none", silent: true, label: { show: false }, lineStyle: { color: variable("--mute"), type: "dashed" }, data: [{ xAxis: extra.line }] } },
        { type: "custom", silent: true, encode: { x: [0, 1], y: 2 }, data: lines.map((l, i) => [low(l), high(l), i]).filter(d => d[0] != null), renderItem: (params, api) => {
          const [from, to] = [api.coord([api.value(0), api.value(2)]), api.coord([api.value(1), api.value(2)])];
          const style = { stroke: variable("--ink"), lineWidth: 1.5, fill: null };
          const tick = x => ({ type: "line", shape: { x1: x, y1: from[1] - 5, x2: x, y2: from[1] + 5 }, style });
          return { type: "group", children: [{ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style }, tick(from[0]), tick(to[0])] };
        } },
      ],
    });
  }

  function choose(chart, names, label) {
    if (names.length < 2 || (names.length === 2 && names[0] === "all")) return;
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    for (const name of names) select.append(new Option(name === "all" ? "all " + label.toLowerCase() + "s" : name, name));
    select.addEventListener("change", () => { chart.choice = select.value; chart.draw(); });
    chart.element.parentElement.querySelector(".choice").append(select);
  }

  function draw({ drawings, choices = {}, tall = [], label = "Language" }) {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const name = element.dataset.chart;
      if (tall.includes(name)) element.classList.add("tall");
      const chart = { element, choice: choices[name] ? choices[name][0] : null };
      chart.canvas = echarts.init(element);
      chart.draw = () => chart.canvas.setOption(drawings[name](chart.choice), true);
      choose(chart, choices[name] || [], label);
      charts.push(chart);
    }
  }

  function setTheme(theme) {
    root.dataset.theme = theme;
    button.textContent = isDark() ? "Light" : "Dark";
    for (const chart of charts) chart.draw();
  }

  function start(parts) {
    if (typeof echarts !== "undefined") draw(parts);
    setTheme(preference.matches ? "dark" : "light");
  }

  window.page = { data, axis, frame, intervals, palette, variable, percent, total, isDark, start };
  button.hidden = false;
  button.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  preference.addEventListener("change", () => setTheme(preference.matches ? "dark" : "light"));
  addEventListener("resize", () => { for (const chart of charts) chart.canvas.resize(); });
})();
