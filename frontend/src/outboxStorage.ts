/** Where unsent decisions lie: in the browser's database, which outlives the tab; in memory where there is none. */
import type { Entry, OutboxStorage } from "./outbox";

const NAME = "counterstain";
const STORE = "outbox";

/** Opens the database; a browser that has none, or denies it, gets a storage that lives as long as the page. */
export async function openOutboxStorage(factory: IDBFactory | undefined = globalThis.indexedDB): Promise<OutboxStorage> {
  if (!factory) return new MemoryStorage();
  try {
    const request = factory.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true }).createIndex("uuid", "uuid");
    return new DatabaseStorage(await done(request));
  } catch {
    return new MemoryStorage();
  }
}

export class MemoryStorage implements OutboxStorage {
  readonly durable = false;
  private entries: Entry[] = [];

  load(reader: string): Promise<Entry[]> {
    return Promise.resolve(this.entries.filter((entry) => entry.reader === reader));
  }
  add(entry: Entry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }
  replace(entry: Entry): Promise<void> {
    this.entries = this.entries.map((one) => (one.uuid === entry.uuid ? entry : one));
    return Promise.resolve();
  }
  remove(uuid: string): Promise<void> {
    this.entries = this.entries.filter((one) => one.uuid !== uuid);
    return Promise.resolve();
  }
}

class DatabaseStorage implements OutboxStorage {
  readonly durable = true;
  constructor(private readonly database: IDBDatabase) {}

  /** In the order in which they were added: the keys count up. */
  async load(reader: string): Promise<Entry[]> {
    const entries = await done<Entry[]>(this.store("readonly").getAll());
    return entries.filter((entry) => entry.reader === reader);
  }

  async add(entry: Entry): Promise<void> {
    const store = this.store("readwrite");
    store.add(entry);
    await finished(store.transaction);
  }

  async replace(entry: Entry): Promise<void> {
    const store = this.store("readwrite");
    const key = await done(store.index("uuid").getKey(entry.uuid));
    if (key !== undefined) store.put(entry, key);
    await finished(store.transaction);
  }

  async remove(uuid: string): Promise<void> {
    const store = this.store("readwrite");
    const key = await done(store.index("uuid").getKey(uuid));
    if (key !== undefined) store.delete(key);
    await finished(store.transaction);
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    // The disk has it before the page says so.
    return this.database.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE);
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's database failed."));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("The browser's database failed."));
  });
}
