/** Another program on the same machine that checks as many passwords as Millrace does: what that alone costs others. */
import { hash, verify } from '@node-rs/argon2';

const [perSecond = '20'] = process.argv.slice(2);
const PASSWORD = 'Only-for-this-run';

const stored = await hash(PASSWORD);
process.stdout.write('ready\n');
let isBusy = false;
setInterval(() => {
  if (isBusy) return;
  isBusy = true;
  void verify(stored, PASSWORD).finally(() => {
    isBusy = false;
  });
}, 1000 / Number(perSecond));
