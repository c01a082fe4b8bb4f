// A worker that runs nothing: stands by without a place, says that it is ready, asks to be replaced on SIGUSR2, is held
// by a script from one SIGWINCH to the next, and ends when it is told to.
import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const { FAKE_FOLDER: folder = '', MILLRACE_SCRIPT_PLACE: place = '' } = process.env;
const HELD_FD = 4;
/** Files in the folder say what it does: `broken` fails, `deaf` takes no SIGTERM, `slow` is not ready while it is there. */
const isSaid = (word) => existsSync(join(folder, word));

process.on('SIGUSR2', () => process.send({ replace: 'it was asked to' }));
let isHeld = false;
process.on('SIGWINCH', () => {
  isHeld = !isHeld;
  writeSync(HELD_FD, isHeld ? '1' : '0');
});
process.on('SIGTERM', () => {
  if (!isSaid('deaf')) process.exit(0);
});
process.once('disconnect', () => process.exit(0));
// Something to live for.
setInterval(() => {}, 60_000);
if (isSaid('broken')) {
  writeFileSync(join(folder, `broken-${process.pid}`), place);
  process.send({ failed: 'broken' }, () => process.exit(1));
} else if (place) sit(place);
else {
  process.once('message', ({ take }) => sit(JSON.stringify(take)));
  writeFileSync(join(folder, `spare-${process.pid}`), '');
  const stand = setInterval(() => {
    if (isSaid('slow')) return;
    clearInterval(stand);
    process.send({ standing: true });
  }, 10);
}

function sit(at) {
  writeFileSync(join(folder, `pid-${process.pid}`), at);
  process.send({ ready: true });
  if (isSaid('busy')) process.send({ ran: true }, () => writeFileSync(join(folder, `ran-${process.pid}`), ''));
}
