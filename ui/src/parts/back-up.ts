import { call } from '../api/client.ts';
import { useBegin } from './use-begin.ts';

interface Wish {
  source: string;
  description: string | null;
}

export function useBackUp(onBegun?: () => void) {
  return useBegin(
    ({ source, description }: Wish) => call('POST', '/backups', { body: { source, description } }),
    onBegun,
  );
}
