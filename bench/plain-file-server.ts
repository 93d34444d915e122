/** What downloads and uploads are held against: `GET` sends the one file, `PUT` writes the other. Prints its address. */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

const [sent = '', received = ''] = process.argv.slice(2);
const highWaterMark = 1024 * 1024;

const server = createServer((request, response) => {
  const answer = async () => {
    if (request.method === 'PUT') {
      await pipeline(request, createWriteStream(received, { highWaterMark }));
      response.writeHead(201).end();
      return;
    }
    response.writeHead(200, { 'content-length': statSync(sent).size });
    await pipeline(createReadStream(sent, { highWaterMark }), response);
  };
  answer().catch((error: unknown) => response.destroy(error as Error));
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
