/** The script of a flamegraph page: 0x's visualizer, with the data of the page. */
import visualizer from '0x/visualizer';
import controls from './controls.cjs';
import { setEditor, setUnit } from './tooltip.js';

const { tree, title, unit, facts, editor } = JSON.parse(document.getElementById('evdiag-data')?.textContent ?? '{}');
setUnit(unit);
setEditor(editor);
controls.setFacts(facts);
visualizer({ unmerged: tree, merged: tree }, { title, visualizeCpuProfile: true });
