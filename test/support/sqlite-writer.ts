import { DatabaseSync } from 'node:sqlite';

/**
 * An application that writes without a pause: moves amounts between accounts, so that the sum of all stays the same, and notes each
 * transfer down. Says `ready` once, and ends when it is killed; stays in the middle of a transaction (`stop`); or of one that
 * it ends when it is told (`begin`).
 */
const [path = '', what = 'run', pauseMs = '0', journal = ''] = process.argv.slice(2);
// Otherwise no journal could be turned off.
const db = new DatabaseSync(path, { timeout: 20_000, defensive: false });
// Each connection has its own, but for the log that all of a file share.
if (journal !== '') db.exec(`pragma journal_mode = ${journal}`);
const take = db.prepare('update accounts set balance = balance - ? where id = ?');
const give = db.prepare('update accounts set balance = balance + ? where id = ?');
const note = db.prepare('insert into transfers (amount, text) values (?, ?)');

if (what === 'idle') {
  db.prepare('select count(*) from accounts').get();
  say('ready');
  process.stdin.once('data', () => {
    try {
      transfer(1);
      say('written');
    } catch (error) {
      say((error as Error).message);
    }
  });
} else if (what === 'begin') {
  db.exec('begin immediate');
  move(0);
  say('ready');
  process.stdin.once('data', () => {
    for (let step = 1; step < 10; step += 1) move(step);
    db.exec('commit');
    say('written');
  });
} else if (what === 'stop') {
  // Too small a memory for its changes: they are in the file already, and only the journal knows what was there before.
  db.exec('pragma cache_size = 2; pragma cache_spill = 1; begin immediate');
  for (let round = 0; round < 3000; round += 1) move(round);
  say('ready');
  setInterval(() => undefined, 1000);
} else {
  transfer(0);
  say('ready');
  for (let round = 1; ; round += 1) {
    transfer(round);
    if (Number(pauseMs) > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(pauseMs));
  }
}

function transfer(round: number): void {
  db.exec('begin immediate');
  for (let step = 0; step < 10; step += 1) move(round * 10 + step);
  db.exec('commit');
}

function move(round: number): void {
  const amount = (round * 7919) % 100;
  take.run(amount, (round % 1000) + 1);
  give.run(amount, ((round * 31) % 1000) + 1);
  note.run(amount, `transfer ${round} ${'x'.repeat(round % 400)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
