import { createHmac } from 'node:crypto';

/**
 * Headers by which a receiver knows who sent these very bytes. The first alone could be sent again by whoever saw it once; the second
 * is over the time as well, so that what is old can be refused.
 */
export function signatureHeaders(secret: string, body: Uint8Array, at: Date): Record<string, string> {
  const seconds = String(Math.floor(at.getTime() / 1000));
  const hmac = (...parts: (string | Uint8Array)[]) => {
    const digest = createHmac('sha256', secret);
    for (const part of parts) digest.update(part);
    return digest.digest('hex');
  };
  return {
    'x-signature-256': `sha256=${hmac(body)}`,
    'x-holdfast-timestamp': seconds,
    'x-holdfast-signature': `v1=${hmac(`${seconds}.`, body)}`,
  };
}
