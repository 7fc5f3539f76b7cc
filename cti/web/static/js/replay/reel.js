// One window of the journal: the board at its begin and what changed since. Pure.

/** Local midnight before a moment, epoch seconds. */
export const dayStart = (epoch) => {
  const d = new Date(epoch * 1000);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime() / 1000;
};

/** A window as `GET /replay` gives it. Going on is cheap; going back begins at the window's begin again. */
export class Reel {
  constructor(told, initial) {
    this.told = told;
    this.until = told.until;
    this.next = told.next;
    this.follower = null;
    this.asked = false;
    this.first = { ...initial, ready: true, seq: 0, board: told.board };
    this.rewind();
  }

  rewind() {
    this.state = this.first;
    this.link = this.told.link;
    this.lostAt = this.link === 'live' ? null : this.told.at;
    this.done = 0;
    this.shown = this.told.at;
  }

  /** The board, the link and the alerts as they were at a moment of this window. `reduce` is the store's. */
  upTo(moment, reduce) {
    if (moment < this.shown) this.rewind();
    const { deltas } = this.told;
    for (; this.done < deltas.length && deltas[this.done].at <= moment; this.done += 1) {
      const { at, changes, link } = deltas[this.done];
      // After a gap the whole board is told at once: what stood before it is gone.
      if (changes?.whole) this.state = { ...this.state, board: { ...this.state.board, ...changes } };
      else if (changes) this.state = reduce(this.state, { type: 'board', seq: this.state.seq + 1, changes });
      if (link) {
        this.lostAt = link === 'live' ? null : (this.lostAt ?? at);
        this.link = link;
      }
    }
    this.shown = moment;
    const raised = this.told.alerts.filter((a) => a.at <= moment);
    const alerts = Object.fromEntries(raised.map((a) => [a.id, { ...a, cleared_at: a.cleared_at && a.cleared_at <= moment ? a.cleared_at : null }]));
    return { board: this.state.board, link: this.link, alerts };
  }
}
