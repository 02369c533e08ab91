// Preloaded (node --require): the clock of the process is $CLOCK_HOURS_BEHIND behind. A shop that dates everything itself can so
// have orders of yesterday.
const behind = Number(process.env.CLOCK_HOURS_BEHIND || 0) * 3600_000;
if (behind) {
  const Real = Date;
  const now = () => Real.now() - behind;
  globalThis.Date = class Date extends Real {
    constructor(...given) {
      super(...(given.length ? given : [now()]));
    }
    static now() {
      return now();
    }
  };
}
