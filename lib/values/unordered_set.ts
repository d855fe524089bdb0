/** What an UnorderedSet holds. Only the set writes `setIndex`: where the member is in its one set, -1 = in none. */
export interface UnorderedSetMember {
  setIndex: number;
}

/**
 * Members without an order that come and go by the thousand, each in one such set at most.
 *
 * It is no Set: under such churn a Set leaves behind table after table, each pointing to the next and to its members, and
 * once the collector takes one of them for old, all that follow are kept with it.
 */
export class UnorderedSet<Member extends UnorderedSetMember> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: Member): boolean {
    return this.#members[member.setIndex] === member;
  }

  /** Adds a member that is in no set. */
  add(member: Member): void {
    member.setIndex = this.#members.push(member) - 1;
  }

  /** Removes a member, if it is in this set. */
  delete(member: Member): void {
    const { setIndex } = member;
    if (this.#members[setIndex] !== member) return;
    member.setIndex = -1;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[setIndex] = last;
    last.setIndex = setIndex;
  }

  /** The members as they are now: removing some while walking over them changes nothing. */
  members(): Member[] {
    return [...this.#members];
  }
}
