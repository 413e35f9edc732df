/** Counting a pair of slides: ask for it, follow it, and hand each new state on. */
import { get, list, messageOf, post, urls } from "./api";
import type { ReviewPayload, ScorePayload, SlidePayload } from "./payload";

const POLL_MS = 1500;
const POLL_AFTER_FAILURE_MS = 5000;

export type Scores = ReviewPayload["scores"];
export const isCounting = (score: ScorePayload | null): boolean => score?.state === "queued" || score?.state === "running";

export class Scoring {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly slides: { real: SlidePayload | null; synthetic: SlidePayload },
    private readonly scoresUrl: string,
    private scores: Scores,
    private readonly onChange: (scores: Scores) => void,
  ) {}

  get current(): Scores {
    return this.scores;
  }

  /** Show what is known, and follow what is under way. */
  begin(): void {
    this.onChange(this.scores);
    this.followIfCounting(POLL_MS);
  }

  /** Count the real slide first, then the synthetic one in the same way. Returns what went wrong, or "". */
  async count(): Promise<string> {
    const { real, synthetic } = this.slides;
    try {
      const asked = await post<ScorePayload>(this.scoresUrl, { slide: synthetic.id, pair: real !== null });
      const [realScore] = real ? await list<ScorePayload>(`${this.scoresUrl}?slide=${real.id}`) : [];
      this.update({ real: realScore ?? this.scores.real, synthetic: asked });
      this.followIfCounting(POLL_MS);
      return "";
    } catch (error) {
      return messageOf(error);
    }
  }

  /** A count whose cells were edited. */
  replace(which: keyof Scores, score: ScorePayload): void {
    this.update({ ...this.scores, [which]: score });
  }

  private update(scores: Scores): void {
    this.scores = scores;
    this.onChange(scores);
  }

  private followIfCounting(afterMs: number): void {
    clearTimeout(this.timer);
    if (!isCounting(this.scores.real) && !isCounting(this.scores.synthetic)) return;
    this.timer = setTimeout(() => void this.follow(), afterMs);
  }

  private async follow(): Promise<void> {
    const again = (score: ScorePayload | null): Promise<ScorePayload | null> =>
      score && isCounting(score) ? get<ScorePayload>(urls.score(score.id)) : Promise.resolve(score);
    try {
      const [real, synthetic] = await Promise.all([again(this.scores.real), again(this.scores.synthetic)]);
      this.update({ real, synthetic });
      this.followIfCounting(POLL_MS);
    } catch {
      this.followIfCounting(POLL_AFTER_FAILURE_MS);
    }
  }
}
