import { expect, test } from 'vitest';
import { runIncidents } from '../../../src/care/alerts/incident-kinds.ts';
import { incidentsEn } from './incidents.ts';

test('whatever a run can make an incident of has words', () => {
  expect(Object.keys(incidentsEn).toSorted()).toEqual([...runIncidents].toSorted());
});
