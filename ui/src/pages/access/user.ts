import type { z } from 'zod';
import type { userView } from '../../../../src/api/contract.ts';

export type User = z.output<typeof userView>;
