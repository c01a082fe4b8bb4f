/** A system service's jobs in a process of its own, to be killed in the middle of what it does. */
import { type Place, Service } from './bench.ts';

const [what, place] = process.argv.slice(2);
const service = await Service.start(JSON.parse(place ?? '') as Place);
if (what === 'enqueue') for (;;) process.send?.(await service.enqueue());
const [job] = await service.claim({ leaseMs: 1_500, holder: 'killed' });
process.send?.(job?.id);
