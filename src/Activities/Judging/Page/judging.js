"use strict";
(() => {
  const { data, intervals } = page;

  page.start({
    drawings: {
      pairs: () => intervals(data.pairs.filter(p => p.winRate != null).sort((a, b) => b.winRate - a.winRate), p => p.model + " – " + p.other + " (" + p.judge + ")", p => p.winRate, p => p.low, p => p.high, { min: 0, max: 1, line: 0.5 }),
      scores: () => intervals(data.singles.filter(s => s.mean != null).sort((a, b) => b.mean - a.mean), s => s.model + " (" + s.judge + ")", s => s.mean, s => s.low, s => s.high, { min: 0, max: 5 }),
    },
  });
})();
