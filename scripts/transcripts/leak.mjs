import { expectNoLeaks } from 'evdiag';

function handleJob() {
  setInterval(() => {}, 1000);
}

try {
  await expectNoLeaks(handleJob, { runs: 3, graceMs: 500 });
} catch (error) {
  console.log(String(error).split('\n').slice(0, 4).join('\n'));
}
process.exit();
