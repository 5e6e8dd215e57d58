import { DEFAULT_EDITOR, editorPattern } from '../util/editors.ts';
import { escapeHtml } from '../util/html.ts';
import { stripControl } from '../util/text.ts';

/** A frame with what it called. Weights are in the unit of the page. */
export interface FlameNode {
  name: string;
  /** Only the function; '' for the root. */
  function: string;
  file: string;
  /** 1-based, 0 where unknown. */
  line: number;
  type: 'app' | 'deps' | 'core' | 'v8' | 'gc';
  /** With all that it called, and its own. */
  value: number;
  top: number;
  children: FlameNode[];
}

export interface FlamePage {
  tree: FlameNode;
  title: string;
  unit: 'ms' | 'bytes' | 'samples';
  /** One line: how much was sampled, and what is missing. */
  facts: string;
  /** Address of a line in an editor, with {file} and {line}; '' for no links. Default: that of VS Code. */
  editor?: string;
  /** Text of `dist/flamegraph-viewer.js`. */
  viewer: string;
}

const STYLE = `:root{color-scheme:light dark;--fg:#1c2128;--bg:#fff;--dim:#5b6470;--line:#c9d0d8}
@media(prefers-color-scheme:dark){:root{--fg:#dfe5ec;--bg:#12161b;--dim:#96a0ac;--line:#3b4450}}
*{box-sizing:border-box}body{margin:0;overflow:hidden;font:13px/1.4 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
chart{display:block;position:relative;overflow:hidden auto;padding:0 5%;height:calc(100vh - 66px)}
body>div{position:absolute;top:0;left:0;right:0}
body>div>div:first-child{display:block;position:fixed;top:0;left:0;right:0;height:32px;padding:3px 8px;background:var(--bg)}
body>div>div:last-child{position:absolute;top:34px;left:0;right:0;height:30px;padding:0 8px;display:flex;gap:16px;align-items:center;white-space:nowrap;background:var(--bg);border-bottom:1px solid var(--line)}
chart{margin-top:66px}#title{display:inline-block;margin:0;font:600 15px/26px ui-monospace,monospace;max-width:50%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.fr{float:right}.mr1{margin-right:8px}input[type=search]{height:26px;width:14rem}button{height:26px;color:var(--fg);background:transparent;border:1px solid var(--line);border-radius:4px;cursor:pointer}
#facts{color:var(--dim);overflow:hidden;text-overflow:ellipsis}#categories{margin-left:auto}.evdiag-category{height:22px;margin-left:4px;color:#1c2128}.evdiag-category[aria-pressed=false]{color:var(--dim)}
#key{display:flex;gap:4px;align-items:center;height:26px;color:var(--dim)}.evdiag-step{width:18px;height:14px;border-radius:2px}
.d3-flame-graph-tooltip{max-width:60vw;overflow-wrap:anywhere;font:12px/1.5 system-ui,sans-serif}canvas{display:block}
@media(max-width:900px){#key{display:none}}`;

/** Names are cut to this: longer ones are not read, and make the page larger. */
const MAX_NAME = 300;
/** Deeper frames are left out: the visualizer walks the tree by recursion. */
const MAX_DEPTH = 1500;

/** One self-contained page, drawn by 0x's visualizer: search, zoom, categories. Nothing is loaded from elsewhere. */
export function flamegraphPage({ tree, title, unit, facts, editor, viewer }: FlamePage): string {
  const data = {
    tree: cut(tree),
    title: clean(title),
    unit,
    facts: clean(facts),
    editor: editor ?? editorPattern(DEFAULT_EDITOR),
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(data.title)}</title><style>${STYLE}</style></head><body>
<script type="application/json" id="evdiag-data">${scriptSafe(JSON.stringify(data))}</script>
<script>${viewer.replace(/<\/(script)/gi, '<\\/$1')}</script>
</body></html>
`;
}

/** The tree without what is too deep, its names cleaned; without recursion. */
function cut(root: FlameNode): FlameNode {
  const copy = (node: FlameNode): FlameNode => ({
    ...node,
    name: clean(node.name),
    function: clean(node.function),
    file: clean(node.file),
    children: [],
  });
  const result = copy(root);
  const open: { from: FlameNode; to: FlameNode; depth: number }[] = [{ from: root, to: result, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { from, to, depth } = next;
    if (depth >= MAX_DEPTH) {
      to.top = to.value;
      continue;
    }
    for (const child of from.children) {
      const its = copy(child);
      to.children.push(its);
      open.push({ from: child, to: its, depth: depth + 1 });
    }
  }
  return result;
}

function clean(text: string): string {
  const shown = stripControl(text);
  return shown.length > MAX_NAME ? `${shown.slice(0, MAX_NAME)}…` : shown;
}

/** No text in the JSON can end the script element. */
function scriptSafe(json: string): string {
  return json
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
}
