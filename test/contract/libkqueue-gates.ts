import type { SharedGate } from './case.ts';

export const libkqueueGates: readonly SharedGate[] = [];
