// What memlab does with a snapshot: reads it, computes dominators and retained sizes, lists the largest objects. FOLDER FILE
const { ObjectSizeAnalysis } = require(`${process.argv[2]}/node_modules/@memlab/heap-analysis`);

new ObjectSizeAnalysis().analyzeSnapshotFromFile(process.argv[3]).catch((/** @type {unknown} */ error) => {
  console.error(String(error));
  process.exitCode = 1;
});
