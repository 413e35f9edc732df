/** What readers changed about the counted cells: shown at once, sent one by one, taken back by undo. */
import { ApiError, get, post, urls } from "./api";
import type { EditRow, ScorePayload } from "./payload";

export interface EditedCells {
  ofCell(index: number): EditRow | undefined;
  added(): Iterable<EditRow>;
}

/** A cell under the pointer: a counted one, one that a reader added, or one that a reader changed. */
export interface PickedCell {
  index: number | null;
  /** The last edit of this cell on the screen. */
  seen: number | null;
  x: number;
  y: number;
  positive: boolean;
}

export type EditAnswer = { edit: EditRow; score: ScorePayload };
export type Change =
  | { action: "flip" | "remove"; cell: PickedCell }
  | { action: "add"; x: number; y: number; positive: boolean };

export const NO_EDITS: EditedCells = { ofCell: () => undefined, added: () => [] };

export class CellEdits implements EditedCells {
  private readonly cells = new Map<number, EditRow>();
  /** By place: an added cell never moves, and its chain of edits keeps its place. */
  private readonly extra = new Map<string, EditRow>();
  private readonly mine: number[] = [];

  constructor(
    private readonly score: number,
    private readonly onChange: () => void,
    private readonly send: typeof post = post,
  ) {}

  async load(fetchEdits: typeof get = get): Promise<void> {
    for (const row of await fetchEdits<EditRow[]>(urls.edits(this.score))) this.take(row);
    this.onChange();
  }

  ofCell(index: number): EditRow | undefined {
    return this.cells.get(index);
  }

  added(): Iterable<EditRow> {
    return this.extra.values();
  }

  get canUndo(): boolean {
    return this.mine.length > 0;
  }

  async change(change: Change): Promise<EditAnswer> {
    const what =
      change.action === "add"
        ? { action: "add", x: change.x, y: change.y, positive: change.positive }
        : { action: change.action, cell: change.cell.index, seen: change.cell.seen };
    const answer = await this.post(what);
    this.mine.push(answer.edit.id);
    return answer;
  }

  /** Take back the reader's last edit; null when there is none. */
  async undo(): Promise<EditAnswer | null> {
    const last = this.mine.at(-1);
    if (last === undefined) return null;
    const answer = await this.post({ action: "undo", edit: last });
    this.mine.pop();
    return answer;
  }

  private async post(what: Record<string, unknown>): Promise<EditAnswer> {
    try {
      const answer = await this.send<EditAnswer>(urls.edits(this.score), { uuid: crypto.randomUUID(), ...what });
      this.take(answer.edit);
      this.onChange();
      return answer;
    } catch (error) {
      // Somebody else was first: show the cell as it is now.
      const now = error instanceof ApiError ? (error.extra.edit as EditRow | undefined) : undefined;
      if (now) {
        this.take(now);
        this.onChange();
      }
      throw error;
    }
  }

  private take(row: EditRow): void {
    if (row.cell === null) this.extra.set(`${row.x} ${row.y}`, row);
    else this.cells.set(row.cell, row);
  }
}
