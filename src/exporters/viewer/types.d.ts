/** What 0x's page gives its parts, and what the pages of `flamegraph-page.ts` hold. */

/** nanohtml's tag of templates. */
export type Render = (strings: TemplateStringsArray, ...values: unknown[]) => object;

export interface FrameData {
  name: string;
  function?: string;
  file?: string;
  line?: number;
  value: number;
}
