export default { test: { setupFiles: ['evdiag/vitest'], include: ['*.test.mjs'] } };
