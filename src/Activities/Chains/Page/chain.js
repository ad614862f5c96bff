"use strict";
page.start({
  drawings: {
    languages: () => page.intervals(page.data.languages.filter(l => l.difference != null), l => l.language, l => l.difference, l => l.differenceLow, l => l.differenceHigh, { line: 0 }),
  },
});
