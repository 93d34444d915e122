import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { base, column, people, table } from '../support/nocodb-contract-world.ts';
import { startContractServer, type ContractServer, type ContractTable } from '../support/nocodb-contract-server.ts';
import { contentIn, nameIn, nocodbApp, saveAll } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let doors: AsyncDisposableStack;
let server: ContractServer;
/** Another host, which must learn nothing. */
let foreign: ContractServer;
let scratch: string;
let photos: ContractTable;

beforeEach(async () => {
  doors = new AsyncDisposableStack();
  server = doors.use(await startContractServer());
  foreign = doors.use(await startContractServer());
  scratch = doors.use(await temporaryFolder()).path;
  photos = table(
    'Photos',
    [column('Files', 'Attachment')],
    people(3).map((row) => ({ ...row, Files: null })),
  );
  server.world.bases = [base('Shop', [photos])];
});
afterEach(() => doors.disposeAsync());

const app = (more: Record<string, unknown> = {}) =>
  nocodbApp({ url: server.url, token: server.token, ...more }, scratch);
const signal = new AbortController().signal;

/** A file as an upload leaves it in a cell. */
function file(title: string, content: Buffer | string, id = `at${server.world.files.size}`) {
  const stored = `noco/x/${id} ${title.replaceAll(/[#?%/]/g, '_')}`;
  server.world.files.set(stored, Buffer.from(content));
  return { id, title, mimetype: 'text/plain', size: content.length, path: `download/${stored}` };
}

function put(record: number, files: Record<string, unknown>[]): void {
  const row = (photos.records as Record<string, unknown>[])[record - 1];
  if (row) row['Files'] = files;
}

describe('files of cells', () => {
  test('N-11 N-19 N-d11: each file of each cell has a place of its own, and the index knows which is whose', async () => {
    put(1, [file('cat.jpg', 'one'), file('cat.jpg', 'two'), file('Ü #1%?.txt', 'three')]);
    put(2, [file('cat.jpg', 'four'), file('../../evil', 'five'), file('empty', '')]);
    const tree = await saveAll(app());
    const at = 'bases/Shop/tables/Photos';
    const content = (name: string) => tree.files.get(`${at}/attachments/Files/${name}`)?.toString();
    expect(content('1-1-cat.jpg')).toBe('one');
    expect(content('1-2-cat.jpg')).toBe('two');
    expect(content('1-3-Ü #1%_.txt')).toBe('three');
    expect(content('2-1-cat.jpg')).toBe('four');
    expect(contentIn(tree, `${at}/attachments.json.gz`)).toMatchObject([
      { record: 1, position: 0, id: 'at0', title: 'cat.jpg', file: 'attachments/Files/1-1-cat.jpg', bytes: 3 },
      { record: 1, position: 1, id: 'at1', title: 'cat.jpg', file: 'attachments/Files/1-2-cat.jpg', bytes: 3 },
      { record: 1, position: 2, title: 'Ü #1%?.txt', bytes: 5 },
      { record: 2, position: 0, title: 'cat.jpg', bytes: 4 },
      { record: 2, position: 1, title: '../../evil', bytes: 4 },
      { record: 2, position: 2, title: 'empty', bytes: 0 },
    ]);
    expect(tree.facts).toMatchObject({ totals: { attachments: 6, attachmentBytes: 19 } });
    await expect(app().readThrough(tree, signal)).resolves.toEqual({
      detail: '1 base, 1 table, 3 records, 6 attachments',
    });
  });

  test('S23: what NocoDB signs is not kept in the records', async () => {
    put(1, [file('cat.jpg', 'one')]);
    const tree = await saveAll(app());
    const records = JSON.stringify(contentIn(tree, nameIn(tree, 'records.json.gz')));
    expect(records).toContain('download/noco/x/at0 cat.jpg');
    expect(records).not.toMatch(/signed|dltemp/);
  });

  test('N-18: without attachments, the index still tells what there was', async () => {
    put(1, [file('cat.jpg', 'one')]);
    const tree = await saveAll(app({ attachments: false }));
    expect(contentIn(tree, nameIn(tree, 'attachments.json.gz'))).toMatchObject([{ title: 'cat.jpg', file: null }]);
    expect([...tree.files.keys()].some((name) => name.includes('attachments/'))).toBe(false);
    await app().readThrough(tree, signal);
  });
});

describe('N-d13 S25: the token stays with NocoDB', () => {
  const sawToken = () =>
    foreign.asked.some(({ headers, query, body }) =>
      `${JSON.stringify(headers)}${query.toString()}${body.toString()}`.includes(server.token),
    );

  test('a redirect of the API to another host is an error, and nobody is asked there', async () => {
    server.intercept = ({ path }) =>
      path.startsWith('/api/v2/meta/bases') ? { status: 302, headers: { location: `${foreign.url}${path}` } } : null;
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_REDIRECTED' });
    expect(foreign.asked).toEqual([]);
  });

  test('files are fetched without it: of NocoDB, of its object storage, behind a redirect', async () => {
    foreign.intercept = () => ({ body: 'of the object storage' });
    const stored = { title: 's3.txt', mimetype: 'text/plain', size: 21, url: `${foreign.url}/bucket/s3.txt` };
    put(1, [
      { id: 'at1', ...stored, signedUrl: `${foreign.url}/bucket/s3.txt?X-Amz-Signature=1` },
      file('moved.txt', 'x', 'at2'),
      file('here.txt', 'here', 'at3'),
    ]);
    server.intercept = ({ path }) =>
      path.includes('moved') ? { status: 302, headers: { location: `${foreign.url}/moved` } } : null;
    const tree = await saveAll(app());
    const content = (end: string) => tree.files.get(nameIn(tree, end))?.toString();
    expect([content('s3.txt'), content('moved.txt'), content('here.txt')]).toEqual([
      'of the object storage',
      'of the object storage',
      'here',
    ]);
    expect(foreign.asked.map(({ path }) => path).toSorted()).toEqual(['/bucket/s3.txt', '/moved']);
    expect(sawToken()).toBe(false);
    const files = server.asked.filter(({ path }) => path.startsWith('/dltemp/') || path.startsWith('/download/'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter(({ headers }) => headers['xc-token'] !== undefined)).toEqual([]);
  });

  test('a link that somebody put into a cell is kept as a link and not gone after', async () => {
    put(1, [{ id: 'at1', url: `${foreign.url}/internal`, title: 'x.png', mimetype: 'image/png', size: 3 }]);
    const tree = await saveAll(app());
    expect(foreign.asked).toEqual([]);
    expect(contentIn(tree, nameIn(tree, 'attachments.json.gz'))).toMatchObject([
      { url: `${foreign.url}/internal`, file: null, failed: null },
    ]);
    expect(tree.warnings).toEqual(['table Photos of base Shop has 1 attachment elsewhere: kept as links, not fetched']);
  });
});

describe('an error of a file', () => {
  test('N-d11: a file that is gone fails its part, by name of the table and file', async () => {
    put(2, [file('lost.pdf', 'x')]);
    server.world.files.clear();
    const failing = saveAll(app());
    await expect(failing).rejects.toMatchObject({ code: 'NOCODB_ATTACHMENT_MISSING' });
    await expect(failing).rejects.toThrow(/table Photos of base Shop.*lost\.pdf/);
  });

  describe('what is not the file that NocoDB has recorded', () => {
    /** Lets everything of the API through and sends files to a page, as a sign-in in front of NocoDB does. */
    const behindSignIn = () => {
      const page = '<html>Please sign in</html>';
      server.intercept = ({ path }) => {
        if (path === '/login') return { headers: { 'content-type': 'text/html; charset=utf-8' }, body: page };
        return path.startsWith('/dltemp/') || path.startsWith('/download/')
          ? { status: 302, headers: { location: '/login' } }
          : null;
      };
    };
    const jpeg = (more: Record<string, unknown> = {}) => ({
      ...file('cat.jpg', 'a cat, as a picture'),
      mimetype: 'image/jpeg',
      ...more,
    });

    test('N-d11: a login page behind a redirect is no attachment: its part fails, and the rest is whole', async () => {
      put(1, [jpeg()]);
      behindSignIn();
      const failing = saveAll(app());
      await expect(failing).rejects.toMatchObject({ code: 'NOCODB_ATTACHMENT_REPLACED' });
      await expect(failing).rejects.toThrow(
        /text\/html.*27 bytes.*is recorded as 19 bytes of image\/jpeg.*table Photos of base Shop, cat\.jpg/,
      );
    });

    test.each([401, 403])('a sign-in that answers %i: nobody is told that the file is lost', async (status) => {
      put(1, [jpeg()]);
      server.intercept = ({ path }) =>
        path.startsWith('/dltemp/') || path.startsWith('/download/') ? { status, body: 'Sign in' } : null;
      await expect(saveAll(app())).rejects.toMatchObject({
        code: 'NOCODB_ATTACHMENT_REPLACED',
        message: expect.stringContaining(`a refusal (status ${status})`),
        hint: expect.stringContaining('/dltemp'),
      });
    });

    test('an object storage says 403 also of what it does not have', async () => {
      foreign.intercept = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' });
      const url = `${foreign.url}/bucket/s3.txt`;
      put(1, [{ id: 'at1', title: 's3.txt', mimetype: 'text/plain', size: 1, url, signedUrl: `${url}?signed=1` }]);
      await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_ATTACHMENT_MISSING' });
    });

    test.each([
      ['no size is recorded', { size: null }],
      ['neither size nor type is recorded', { size: null, mimetype: null }],
    ])('also where %s', async (_, more) => {
      put(1, [jpeg(more)]);
      behindSignIn();
      await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_ATTACHMENT_REPLACED' });
    });

    test('a page that is the attachment is saved, and so is a file of its length that is called a page', async () => {
      const page = { ...file('page.html', '<html>mine</html>'), mimetype: 'text/html' };
      const length = '<html>mine</html>'.length;
      put(1, [page, { ...page, id: 'at9', title: 'typeless.HTM', mimetype: null, size: null }, jpeg({ size: length })]);
      server.intercept = ({ path }) =>
        path.startsWith('/dltemp/') ? { headers: { 'content-type': 'text/html' }, body: '<html>mine</html>' } : null;
      const tree = await saveAll(app());
      expect(tree.files.get(nameIn(tree, 'page.html'))?.toString()).toBe('<html>mine</html>');
      expect(tree.files.get(nameIn(tree, 'typeless.HTM'))?.toString()).toBe('<html>mine</html>');
      expect(tree.warnings).toEqual([]);
    });

    test('N-d11: a file of another size is kept, since NocoDB notes sizes it was only told, and said', async () => {
      put(1, [file('cat.jpg', 'one')]);
      put(2, [
        { ...file('fetched.svg', 'four'), size: 400 },
        { ...file('unknown.txt', 'x'), size: null },
      ]);
      const tree = await saveAll(app());
      expect(tree.files.get(nameIn(tree, 'fetched.svg'))?.toString()).toBe('four');
      expect(tree.warnings).toEqual([
        'table Photos of base Shop has 1 attachment of another size than NocoDB has recorded: attachments/Files/2-1-fetched.svg (4 bytes, recorded 400)',
      ]);
      expect(contentIn(tree, nameIn(tree, 'attachments.json.gz'))).toMatchObject([
        { bytes: 3 },
        { title: 'fetched.svg', size: 400, bytes: 4, failed: null },
        { size: null, bytes: 1 },
      ]);
    });

    test('S8: what is shorter than what had come before it broke off is not the file', async () => {
      const content = Buffer.alloc(300_000, 'abcdefg');
      put(1, [{ ...file('big.bin', content), size: null }]);
      let times = 0;
      server.intercept = ({ path }) => {
        if (!path.startsWith('/dltemp/')) return null;
        times += 1;
        return times === 1 ? { body: content, cutAfter: 100_000 } : { body: 'something else' };
      };
      await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_ATTACHMENT_REPLACED' });
    });
  });

  test('a signature that has run out is asked for again', async () => {
    put(1, [file('cat.jpg', 'one')]);
    let first = true;
    server.intercept = ({ path }) => {
      if (!path.startsWith('/dltemp/') || !first) return null;
      first = false;
      server.world.signatures.clear();
      return null;
    };
    const tree = await saveAll(app());
    expect(tree.files.get(nameIn(tree, 'cat.jpg'))?.toString()).toBe('one');
    expect(first).toBe(false);
  });

  test('S8: a download that breaks off goes on where it was', async () => {
    const content = Buffer.alloc(300_000, 'abcdefg');
    put(1, [file('big.bin', content)]);
    const ranges: (string | undefined)[] = [];
    server.intercept = ({ path, headers }) => {
      if (!path.startsWith('/dltemp/')) return null;
      ranges.push(headers.range);
      return ranges.length === 1 ? { body: content, cutAfter: 100_000 } : null;
    };
    const tree = await saveAll(app());
    expect(tree.files.get(nameIn(tree, 'big.bin'))?.equals(content)).toBe(true);
    expect(ranges).toHaveLength(2);
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('S8: also where the server begins anew', async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    put(1, [file('big.bin', content)]);
    let times = 0;
    server.intercept = ({ path }) => {
      if (!path.startsWith('/dltemp/')) return null;
      times += 1;
      return times === 1 ? { body: content, cutAfter: 100_000 } : { body: content };
    };
    const tree = await saveAll(app());
    expect(tree.files.get(nameIn(tree, 'big.bin'))?.equals(content)).toBe(true);
  });

  test('S4: a file that is shorter than it was is found when it is read back', async () => {
    put(1, [file('cat.jpg', 'one')]);
    const tree = await saveAll(app());
    tree.files.set(nameIn(tree, 'cat.jpg'), Buffer.from('on'));
    await expect(app().readThrough(tree, signal)).rejects.toMatchObject({ kind: 'integrity' });
  });
});
