/** How entries of the outbox go to the server. */
import { post, put } from "./api";
import type { Answer, Entry, PatchWrite, Send } from "./outbox";

/** labelUrl: with {id} of the patch. */
export function sendingTo(labelUrl: string): Send {
  return async (entry: Entry): Promise<Answer[]> => {
    if (entry.kind === "remark") {
      const { uuid, remark, text } = entry;
      await post(`/api/v1/patches/${entry.patch}/remarks/`, { uuid, kind: remark, text });
      return [];
    }
    if (entry.kind === "tissue") {
      const { uuid, act, step, patches, offered } = entry;
      await put(`/api/v1/slides/${entry.slide}/tissue/`, { uuid, act, step, patches, offered });
      return [];
    }
    const { act, step, route, milliseconds, order, decided_at, writes } = entry;
    const how = { act, route, milliseconds, order, decided_at };
    const [first] = writes;
    if (writes.length === 1 && first) {
      const { patch, ...write } = numbered(first);
      return [await put<Answer>(labelUrl.replace("{id}", String(patch)), { ...write, ...how, step })];
    }
    const body = { ...how, step: step ?? entry.uuid, writes: writes.map(numbered) };
    return (await put<{ labels: Answer[] }>(`/api/v1/slides/${entry.slide}/labels/`, body)).labels;
  };
}

/** The write that was to come first was answered in another tab: without its id the server says what stands. */
function numbered(write: PatchWrite): PatchWrite {
  return typeof write.seen === "object" ? { ...write, seen: null } : write;
}
