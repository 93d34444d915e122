import { cpus, release, totalmem } from 'node:os';
import { formatBytes } from '../src/base/units.ts';

export interface Machine {
  processor: string;
  cores: number;
  memory: string;
  system: string;
  node: string;
  date: string;
}

export function machineFacts(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memory: formatBytes(totalmem()),
    system: `${process.platform} ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}
