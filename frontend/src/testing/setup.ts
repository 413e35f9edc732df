import { vi } from "vitest";

// jsdom draws nothing; OpenSeadragon only asks whether a canvas exists.
HTMLCanvasElement.prototype.getContext = vi.fn(() => null) as unknown as HTMLCanvasElement["getContext"];
