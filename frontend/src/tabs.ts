/** Tabs of one reader tell each other what the server confirmed, so that none shows a label that no longer stands. */
import type { LabelStore } from "./labelStore";
import type { Answer } from "./outbox";

export function shareAmongTabs(store: LabelStore, reader: string): void {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(`counterstain-labels-${reader}`);
  store.onSaved = (answer) => channel.postMessage(answer);
  channel.onmessage = (event: MessageEvent<Answer>) => store.heard(event.data);
}
