/** What a bag holds. Only the bag writes `bagPlace`: where it is in its one bag, -1 = in none. */
export interface Bagged {
  bagPlace: number;
}

/**
 * Members without an order that come and go by the thousand, each in one bag at most.
 *
 * Not a Set: under such churn a Set leaves behind table after table, each pointing to the next and to its members, and once
 * the collector takes one of them for old, all that follow are kept with it.
 */
export class Bag<Member extends Bagged> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Takes in a member that is in no bag. */
  add(member: Member): void {
    member.bagPlace = this.#members.push(member) - 1;
  }

  /** Takes out a member, if it is in it. */
  delete(member: Member): void {
    const { bagPlace } = member;
    if (this.#members[bagPlace] !== member) return;
    member.bagPlace = -1;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[bagPlace] = last;
    last.bagPlace = bagPlace;
  }

  /** The members as they are now: taking some out meanwhile changes nothing. */
  members(): Member[] {
    return [...this.#members];
  }
}
