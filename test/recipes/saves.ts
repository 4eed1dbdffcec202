// The sequences of system calls by which programs save a file, as strace(1) shows them.

import {
  chmodSync,
  closeSync,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

type Save = (file: string, text: string) => void;

function remove(file: string): void {
  rmSync(file, { force: true });
}

/** vim's own write: the file is cut to nothing through a descriptor, and written. */
function vimWrite(file: string, text: string): void {
  const fd = openSync(file, 'a');
  ftruncateSync(fd, 0);
  writeSync(fd, text);
  fsyncSync(fd);
  fchmodSync(fd, 0o644);
  closeSync(fd);
}

/** vim's backup by rename, which first tries whether the directory can be written. */
function vimRename(file: string, text: string): void {
  const trial = join(dirname(file), '4913');
  writeFileSync(trial, '');
  unlinkSync(trial);
  remove(`${file}~`);
  renameSync(file, `${file}~`);
  vimWrite(file, text);
}

function emacsLocked(file: string, save: () => void): void {
  const lock = join(dirname(file), `.#${basename(file)}`);
  symlinkSync('user@host.1', lock);
  save();
  unlinkSync(lock);
}

export const saves: Readonly<Record<string, Save>> = {
  'vim, nowritebackup': (file, text) => {
    const swap = join(dirname(file), `.${basename(file)}.swp`);
    writeFileSync(swap, '');
    vimWrite(file, text);
    unlinkSync(swap);
  },
  'vim, writebackup': (file, text) => {
    vimRename(file, text);
    unlinkSync(`${file}~`);
  },
  'vim, backup, backupcopy=no': vimRename,
  'vim, backup, backupcopy=yes': (file, text) => {
    remove(`${file}~`);
    copyFileSync(file, `${file}~`);
    utimesSync(`${file}~`, 1, 1);
    vimWrite(file, text);
  },
  emacs: (file, text) => emacsLocked(file, () => writeFileSync(file, text)),
  'emacs, backup by rename': (file, text) =>
    emacsLocked(file, () => {
      renameSync(file, `${file}~`);
      writeFileSync(file, text);
    }),
  'emacs, file-precious-flag': (file, text) =>
    emacsLocked(file, () => {
      writeFileSync(`${file}.tmp`, text);
      renameSync(`${file}.tmp`, file);
      chmodSync(file, 0o644);
    }),
  'sed -i': (file, text) => {
    const made = join(dirname(file), 'sedA1b2C3');
    writeFileSync(made, text, { mode: 0o600 });
    chmodSync(made, 0o644);
    renameSync(made, file);
  },
  'mv tmp file': (file, text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  },
  'gio save -b': (file, text) => {
    const made = join(dirname(file), '.goutputstream-A1B2C3');
    writeFileSync(made, text);
    chmodSync(made, 0o644);
    remove(`${file}~`);
    linkSync(file, `${file}~`);
    renameSync(made, file);
  },
  'truncate in place': (file, text) => writeFileSync(file, text),
  'write without a truncation': (file, text) => writeFileSync(file, text, { flag: 'r+' }),
  cp: (file, text) => {
    writeFileSync(`${file}.source`, text);
    writeFileSync(file, readFileSync(`${file}.source`));
  },
  'git checkout': (file, text) => {
    unlinkSync(file);
    writeFileSync(file, text, { flag: 'wx' });
  },
  'a directory that is renamed and made again': (file, text) => {
    const directory = dirname(file);
    rmSync(`${directory}.old`, { recursive: true, force: true });
    renameSync(directory, `${directory}.old`);
    mkdirSync(directory);
    writeFileSync(file, text);
  },
  'a directory that is removed and made again': (file, text) => {
    rmSync(dirname(file), { recursive: true });
    mkdirSync(dirname(file));
    writeFileSync(file, text);
  },
  'a directory that another one replaces': (file, text) => {
    const directory = dirname(file);
    rmSync(`${directory}.old`, { recursive: true, force: true });
    mkdirSync(`${directory}.new`);
    writeFileSync(join(`${directory}.new`, basename(file)), text);
    renameSync(directory, `${directory}.old`);
    renameSync(`${directory}.new`, directory);
  },
};
