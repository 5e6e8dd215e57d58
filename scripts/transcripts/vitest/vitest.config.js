export default { test: { setupFiles: ['evdiag/vitest'] } };
