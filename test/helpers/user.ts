import { release } from 'node:os';
import { abi, unavailableReason } from '../../src/sys/index.ts';

const since = abi.since['EVFILT_USER'];
const isOlder = since !== undefined && release().localeCompare(since, 'en', { numeric: true }) < 0;

/** Why tests that register user events are not run; false where the kernel has EVFILT_USER. */
export const noUser: string | false = unavailableReason() ?? (isOlder && `EVFILT_USER needs ${abi.title} ${since}`);
