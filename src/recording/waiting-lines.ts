import type { Reason } from './losses.ts';

export interface WaitingLine {
  text: string;
  /** How many rows it holds, or reports as lost. */
  rows: number;
  /** Set on a line that says why rows are lost. */
  reason: Reason | null;
  isHeader?: boolean;
}

/** Lines to be written, oldest first; part of the first one may be in the file already. */
export class WaitingLines {
  #lines: WaitingLine[] = [];
  #characters = 0;
  /** Bytes of the first line that the file has. */
  #begun = 0;

  add(line: WaitingLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length;
  }

  /** Puts lines before the rows, replacing waiting lines of the same kind: the header, and the report of lost rows. */
  lead(header: WaitingLine | null, lost: readonly WaitingLine[]): void {
    const partial = this.#begun > 0 ? this.#lines.slice(0, 1) : [];
    const others = this.#lines.slice(partial.length).filter(({ reason }) => reason === null);
    const headers = header ? [header] : others.filter(({ isHeader }) => isHeader);
    this.#lines = [...partial, ...headers, ...lost, ...others.filter(({ isHeader }) => !isHeader)];
    this.#characters = this.#lines.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** The next file does not have the beginning of the first line. */
  restart(): void {
    this.#begun = 0;
  }

  isPartial(): boolean {
    return this.#begun > 0;
  }

  isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  characters(): number {
    return this.#characters;
  }

  /** The first lines as bytes, without the part that is written: at least one, more while they have fewer characters than that. */
  head(most: number): Uint8Array {
    let text = '';
    for (const line of this.#lines) {
      if (text !== '' && text.length + line.text.length > most) break;
      text += line.text;
    }
    return Buffer.from(text).subarray(this.#begun);
  }

  /** So many bytes of the head were written; returns the lines that are complete. */
  advance(bytes: number): WaitingLine[] {
    const whole: WaitingLine[] = [];
    let left = this.#begun + bytes;
    while (this.#lines.length > 0 && left >= Buffer.byteLength(this.#lines[0]!.text)) {
      left -= Buffer.byteLength(this.#lines[0]!.text);
      whole.push(this.#shift());
    }
    this.#begun = left;
    return whole;
  }

  /** Drops the oldest rows beyond that many characters, and counts them. */
  trim(most: number): number {
    const before = this.#lines.length;
    let over = this.#characters - most;
    if (over <= 0) return 0;
    this.#lines = this.#lines.filter((line, i) => {
      if (over <= 0 || !this.#isDroppable(line, i)) return true;
      over -= line.text.length;
      this.#characters -= line.text.length;
      return false;
    });
    return before - this.#lines.length;
  }

  #isDroppable({ reason, isHeader }: WaitingLine, i: number): boolean {
    return reason === null && !isHeader && !(i === 0 && this.#begun > 0);
  }

  #shift(): WaitingLine {
    this.#begun = 0;
    const line = this.#lines.shift()!;
    this.#characters -= line.text.length;
    return line;
  }
}
