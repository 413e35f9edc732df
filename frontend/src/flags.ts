/** Which patches this reader flagged for discussion, as painted. */
import type { RemarkEntry } from "./outbox";

export class Flags {
  private readonly flagged: Set<number>;

  constructor(patches: readonly { id: number; flagged?: boolean }[]) {
    this.flagged = new Set(patches.filter((patch) => patch.flagged).map((patch) => patch.id));
  }

  has(patch: number): boolean {
    return this.flagged.has(patch);
  }

  paint({ remark, patch }: RemarkEntry): void {
    if (remark === "flag") this.flagged.add(patch);
    else if (remark === "unflag") this.flagged.delete(patch);
  }
}
