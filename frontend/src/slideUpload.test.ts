import { expect, test } from "vitest";
import { fingerprint, refusal, Speed, suffixOf, uploadMessage } from "./slideUpload";

const limits = { max_bytes: 1000, suffixes: [".svs", ".tif"] };

test("a file's ending is what follows its last dot", () => {
  expect(suffixOf("Case 7 Müller.ome.TIF")).toBe(".tif");
  expect(suffixOf("slide")).toBe("");
});

test("what cannot be sent is refused before a byte goes out, with what was expected", () => {
  expect(refusal({ name: "a.svs", size: 10 }, limits)).toBe("");
  expect(refusal({ name: "a.svs", size: 0 }, limits)).toContain("empty");
  expect(refusal({ name: "a.svs", size: 1001 }, limits)).toContain("larger");
  expect(refusal({ name: "notes.docx", size: 10 }, limits)).toContain(".docx");
  expect(refusal({ name: "notes.docx", size: 10 }, limits)).toContain(".svs, .tif");
});

test("nothing that the browser keeps names the file", () => {
  const file = new File(["x"], "Erika Mustermann.svs", { lastModified: 5 });
  const kept = fingerprint({ file, project: "net", case: "Case 01", stain: "HE", mpp: "" });
  expect(kept).toBe("counterstain/net/Case 01/HE/1/5");
});

test("a refusal of the server is shown in its own words", () => {
  const error = Object.assign(new Error("tus: unexpected response"), {
    originalResponse: { getBody: () => '{"message": "The disk is full.", "extra": {}}' },
  });
  expect(uploadMessage(error)).toBe("The disk is full.");
  expect(uploadMessage(new Error("tus: failed to upload chunk"))).toContain("Choose the same file again");
});

test("the speed is that of the last seconds", () => {
  const speed = new Speed();
  speed.add(0, 0);
  expect(speed.bytesPerSecond).toBeNull();
  speed.add(1000, 1000);
  expect(speed.bytesPerSecond).toBe(1000);
  for (let second = 2; second <= 12; second += 1) speed.add(1000 + (second - 1) * 5000, second * 1000);
  expect(speed.bytesPerSecond).toBe(5000);
});
