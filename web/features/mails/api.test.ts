import { describe, expect, it } from "vitest";
import { draftOf, faultOf, wordsOf, type Words } from "./api";

const words: Words = { subject: "S", preheader: "", heading: "H", paragraphs: ["One\nline more", "Two"], button: null, note: null };

describe("the words of a mail", () => {
  it("go into the form and come out as they were", () => {
    expect(wordsOf(draftOf(words))).toEqual(words);
  });
  it("have a paragraph wherever a line is empty", () => {
    const draft = { ...draftOf(words), text: "\nOne\n\n \n\nTwo\nmore\n", note: "  " };
    expect(wordsOf(draft)).toMatchObject({ paragraphs: ["One", "Two\nmore"], note: null });
  });
  it("show one paragraph's fault beside the text", () => {
    expect(faultOf({ "paragraphs[3]": "Too long." }, "text")).toBe("Too long.");
    expect(faultOf({ subject: "Needed." }, "text")).toBeUndefined();
    expect(faultOf({ subject: "Needed." }, "subject")).toBe("Needed.");
  });
});
