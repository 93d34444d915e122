import { readFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { outputOf, throughProcess } from './piped-program.ts';
import { feed, runProcess, startProcess, type Command } from './run-process.ts';
import { Secret } from './secret.ts';

const { signal } = new AbortController();

function sh(script: string, env: Record<string, string> = {}): Command {
  return { program: '/bin/sh', args: ['-c', script], env };
}

async function collect(stream: Readable | AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function expectGone(pid: number): Promise<void> {
  await vi.waitFor(async () => expect(await isAlive(pid)).toBe(false), { timeout: 5000, interval: 10 });
}

/** A process that nobody has waited for yet still has a number, but does nothing any more. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}

function openPipes(): number {
  return process.getActiveResourcesInfo().filter((name) => /Pipe/.test(name)).length;
}

describe('runProcess', () => {
  test('returns what the program said', async () => {
    expect(await runProcess(sh('cat; echo out; echo err >&2'), { signal, input: 'in\n' })).toEqual({
      stdout: 'in\nout\n',
      stderr: 'err\n',
    });
  });

  test('rejects with status and last words', async () => {
    await expect(runProcess(sh('echo no such table >&2; exit 3'), { signal })).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: 'sh ended with status 3: no such table',
      details: { tool: 'sh', status: 3, signal: null },
    });
    await expect(runProcess(sh('kill -9 $$'), { signal })).rejects.toThrow('sh was ended by SIGKILL');
  });

  test('a missing program is told apart, also when its output was asked for', async () => {
    const missing = { program: '/nowhere/pg_dump', args: [] };
    await expect(runProcess(missing, { signal })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    await expect(collect(outputOf(missing, { signal }))).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    await expect(feed(missing, Readable.from(['x']), { signal })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  test('a program that cannot be run at all is an error of ours', async () => {
    await expect(runProcess({ program: '/etc/passwd', args: [] }, { signal })).rejects.toMatchObject({
      code: 'TOOL_NOT_STARTED',
    });
    const tooLong = { program: '/bin/sh', args: ['-c', 'true', 'x'.repeat(4 * 1024 * 1024)] };
    await expect(runProcess(tooLong, { signal })).rejects.toMatchObject({ code: 'TOOL_NOT_STARTED' });
  });

  test('a program that never stops talking is ended', async () => {
    await expect(runProcess(sh('yes'), { signal, maxOutput: 100_000 })).rejects.toThrow(
      'sh printed more than 100000 bytes',
    );
  });

  test('a program that does not read its input is judged by its status', async () => {
    const input = Buffer.alloc(1024 * 1024);
    expect((await runProcess(sh('exec <&-; echo done'), { signal, input })).stdout).toBe('done\n');
    await expect(runProcess(sh('exec <&-; exit 4'), { signal, input })).rejects.toThrow('status 4');
  });
});

describe('environment and secrets', () => {
  afterEach(() => vi.unstubAllEnvs());

  test("the caller's PG* variables and other settings do not leak in; given ones do", async () => {
    vi.stubEnv('PGPASSWORD', 'leaked');
    vi.stubEnv('PGSERVICE', 'leaked');
    vi.stubEnv('HOLDFAST_PASSPHRASE', 'leaked');
    const { stdout } = await runProcess(sh('env', { PGHOST: 'db', LC_ALL: 'C' }), { signal });
    expect(stdout).not.toContain('leaked');
    expect(stdout).toContain('PGHOST=db');
    expect(stdout).toMatch(/^PATH=/m);
  });

  test('S23 secrets are scrubbed from error output, plain and encoded, split or cut', async () => {
    const secret = new Secret('p@ss word/42');
    const lines: string[] = [];
    const script = `printf 'login p@ss wo' >&2; sleep 0.05; printf 'rd/42 failed\\nurl %s' "$ENCODED" >&2; exit 1`;
    const command = sh(script, { ENCODED: encodeURIComponent(secret.reveal()) });
    const error = await runProcess(command, { signal, onStderr: (line) => lines.push(line) }).catch(
      (thrown: Error) => thrown,
    );
    const seen = JSON.stringify([error, (error as Error).message, lines]);
    expect(seen).toContain('login •••••• failed');
    expect(seen).not.toMatch(/p@ss|p%40ss|rd\/42/);
    expect(lines).toEqual(['login •••••• failed', 'url ••••••']);
  });

  test('a secret at the edge of what is kept is not cut in half', async () => {
    const secret = new Secret('0123456789abcdef');
    // The last 16 KiB begin in the middle of the secret.
    const script = `printf '%s' "$S" >&2; i=0; while [ $i -lt 511 ]; do printf '................................' >&2; i=$((i+1)); done; printf '......................' >&2`;
    const { stderr } = await runProcess(sh(script, { S: secret.reveal() }), { signal });
    expect(stderr).not.toMatch(/[0-9a-f]{4}/);
  });
});

describe('outputOf', () => {
  test('S2 no end without status 0, however whole the bytes look', async () => {
    let seen = 0;
    const output = outputOf(sh('head -c 3000000 /dev/zero; exit 1'), { signal });
    const reading = (async () => {
      for await (const chunk of output) seen += (chunk as Buffer).length;
    })();
    await expect(reading).rejects.toThrow('sh ended with status 1');
    expect(seen).toBeGreaterThan(2_000_000);
    await expect(collect(outputOf(sh('echo whole; kill -9 $$'), { signal }))).rejects.toThrow('SIGKILL');
  });

  test('the status counts even when the pipe was closed long before', async () => {
    await expect(collect(outputOf(sh('echo whole; exec >&-; sleep 0.1; exit 1'), { signal }))).rejects.toThrow(
      'status 1',
    );
  });

  test('gives all bytes of a slow and of a fast reader', async () => {
    const output = outputOf(sh('i=0; while [ $i -lt 300 ]; do printf "%065536d" $i; i=$((i+1)); done'), { signal });
    let bytes = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, next) => {
        bytes += chunk.length;
        setImmediate(next);
      },
    });
    await pipeline(output, slow);
    expect(bytes).toBe(300 * 65536);
  });

  test('a reader that stops ends the program before it is done', async () => {
    const output = outputOf(sh('echo $$; exec yes'), { signal });
    let pid = 0;
    for await (const chunk of output) {
      pid = Number.parseInt(String(chunk), 10);
      break;
    }
    expect(pid).toBeGreaterThan(0);
    await expectGone(pid);
  });

  test.each([
    ['at once', () => undefined],
    ['a moment later', () => new Promise((resolve) => setImmediate(resolve))],
    ['when its pipe is about to be there', () => new Promise((resolve) => setTimeout(resolve, 2))],
  ])('S22: given up %s, nothing is left open', async (_title, wait) => {
    const before = openPipes();
    for (let time = 0; time < 20; time += 1) {
      const controller = new AbortController();
      const output = outputOf(sh('exec yes'), { signal: controller.signal });
      const failed = new Promise((resolve) => output.once('error', resolve));
      await wait();
      controller.abort();
      expect(await failed).toMatchObject({ code: 'INTERRUPTED' });
    }
    await vi.waitFor(() => expect(openPipes()).toBeLessThanOrEqual(before));
  });

  test('abort ends it with the reason given, also when nobody reads', async () => {
    const controller = new AbortController();
    const output = outputOf(sh('exec yes'), { signal: controller.signal });
    const failed = new Promise((resolve) => output.once('error', resolve));
    controller.abort();
    expect(await failed).toMatchObject({ code: 'INTERRUPTED', kind: 'interrupted' });
  });
});

describe('ending', () => {
  test('the whole group goes, workers included', async () => {
    const controller = new AbortController();
    const child = startProcess(sh('sleep 300 & echo $!; wait'), { signal: controller.signal });
    const worker = await new Promise<number>((resolve) => child.stdout?.once('data', (text) => resolve(Number(text))));
    controller.abort();
    await expect(child.done).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expectGone(worker);
  });

  test('workers do not outlive their leader', async () => {
    const { stdout } = await runProcess(sh('sleep 300 >/dev/null 2>&1 & echo $!'), { signal });
    await expectGone(Number(stdout));
  });

  test('a program that ignores SIGTERM is killed after the grace', async () => {
    const controller = new AbortController();
    const child = startProcess(sh('trap "" TERM; echo ready; while :; do sleep 1; done'), {
      signal: controller.signal,
      graceMs: 50,
    });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    controller.abort();
    await expect(child.done).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('a program that answers the abort with status 0 has not succeeded', async () => {
    const controller = new AbortController();
    const child = startProcess(sh('trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done'), {
      signal: controller.signal,
    });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    controller.abort();
    await expect(child.done).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('a stray child that holds the pipes open does not outlast an abort', async () => {
    const controller = new AbortController();
    // Out of the group, as a daemon is; the shell goes on only when it is, because what is still in the group is ended with it.
    const script = `exec 3>&1; up=$(setsid sh -c 'echo up; exec sleep 3 >&3' &); echo ready`;
    const child = startProcess(sh(script), { signal: controller.signal });
    const ended = new Promise((resolve) => child.stdout?.once('data', resolve));
    await ended;
    await expectGone(child.pid);
    const before = performance.now();
    controller.abort();
    await expect(child.done).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(performance.now() - before).toBeLessThan(2000);
  });

  test('nothing starts after an abort', () => {
    expect(() => startProcess(sh('true'), { signal: AbortSignal.abort() })).toThrow('interrupted');
  });
});

describe('feed', () => {
  test('resolves when the program has taken everything', async () => {
    const out: Buffer[] = [];
    await feed(sh('wc -c'), Readable.from([Buffer.alloc(500_000), Buffer.alloc(500_000)]), {
      signal,
      onStdout: (chunk) => out.push(chunk),
    });
    expect(Number(Buffer.concat(out).toString())).toBe(1_000_000);
  });

  test('a program that stopped reading is judged by its status, and its input is closed', async () => {
    const input = Readable.from(endless());
    await feed(sh('head -c 10 >/dev/null'), input, { signal });
    expect(input.destroyed).toBe(true);
    await expect(
      feed(sh('head -c 10 >/dev/null; echo syntax error >&2; exit 3'), Readable.from(endless()), { signal }),
    ).rejects.toThrow('status 3: syntax error');
  });

  test('S13 input that breaks off is never shown to the program as an end', async () => {
    const marker = 'saw the end';
    const lines: string[] = [];
    const program = sh(`cat >/dev/null; echo ${marker} >&2`);
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('begin;\n');
        throw new Error('damaged');
      })(),
    );
    await expect(feed(program, failing, { signal, onStderr: (line) => lines.push(line) })).rejects.toThrow('damaged');

    const cut = new Readable({ read: () => undefined });
    cut.push('begin;\n');
    setImmediate(() => cut.destroy());
    await expect(feed(program, cut, { signal, onStderr: (line) => lines.push(line) })).rejects.toThrow(/premature/i);
    expect(lines).toEqual([]);
  });

  test('abort', async () => {
    const controller = new AbortController();
    const fed = feed(sh('cat >/dev/null'), Readable.from(endless()), { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(fed).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('throughProcess', () => {
  test('passes everything under backpressure on both sides', async () => {
    const piece = Buffer.alloc(100_001, 'x');
    const source = Readable.from(Array.from({ length: 200 }, () => piece));
    let bytes = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, next) => {
        bytes += chunk.length;
        setImmediate(next);
      },
    });
    await pipeline(source, throughProcess(sh('cat'), { signal }), slow);
    expect(bytes).toBe(200 * 100_001);
  });

  test('gives output that only comes after the input has ended', async () => {
    const through = throughProcess(sh('wc -c'), { signal });
    through.end(Buffer.alloc(1234));
    expect(Number(String(await collect(through)))).toBe(1234);
  });

  test('no end without status 0', async () => {
    await expect(
      pipeline(Readable.from(['x']), throughProcess(sh('cat; exit 5'), { signal }), collect),
    ).rejects.toThrow('status 5');
  });

  test('a program that leaves input unread fails, with its own error or ours', async () => {
    const run = (script: string) => pipeline(Readable.from(endless()), throughProcess(sh(script), { signal }), collect);
    await expect(run('head -c 10; echo bad data >&2; exit 1')).rejects.toThrow('status 1: bad data');
    await expect(run('head -c 10')).rejects.toThrow('ended before it had read everything');
  });

  test('words can refuse in spite of status 0', async () => {
    const refuse = (stderr: string) => (stderr.includes('ignored') ? new Error('refused') : null);
    const run = (script: string) =>
      pipeline(Readable.from(['x']), throughProcess(sh(script), { signal, refuse }), collect);
    await expect(run('cat; echo garbage ignored >&2')).rejects.toThrow('refused');
    expect(String(await run('cat; echo fine >&2'))).toBe('x');
  });

  test('a failure on either side ends the program', async () => {
    const source = Readable.from(endless());
    const through = throughProcess(sh('echo $$; cat'), { signal });
    let pid = 0;
    const sink = new Writable({
      write: (chunk, _encoding, next) => {
        pid ||= Number.parseInt(String(chunk), 10);
        next(new Error('disk full'));
      },
    });
    await expect(pipeline(source, through, sink)).rejects.toThrow('disk full');
    await expectGone(pid);
    expect(source.destroyed).toBe(true);
  });
});

function* endless(): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024, 'x');
  for (;;) yield piece;
}
