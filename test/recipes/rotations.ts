import { closeSync, copyFileSync, openSync, renameSync, truncateSync, unlinkSync, writeSync } from 'node:fs';

/** How a program and its logrotate change the file. Each returns the descriptor to write to. */
export const rotations = {
  'rename and create': (file: string, fd: number): number => {
    renameSync(file, `${file}.1`);
    closeSync(fd);
    return openSync(file, 'ax');
  },
  /** The program opens the new file later: see the writer. */
  'rename and create, and a program that opens it late': (file: string, fd: number): number => {
    renameSync(file, `${file}.1`);
    closeSync(openSync(file, 'ax'));
    return fd;
  },
  'delete and create': (file: string, fd: number): number => {
    unlinkSync(file);
    closeSync(fd);
    return openSync(file, 'ax');
  },
  copytruncate: (file: string, fd: number): number => {
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
    return fd;
  },
  truncation: (file: string, fd: number): number => {
    closeSync(fd);
    closeSync(openSync(file, 'w'));
    return openSync(file, 'a');
  },
} as const;

export type Rotation = keyof typeof rotations;

/**
 * Writes 20,000 lines, 100 every 10 milliseconds, and rotates the file 20 times. Before each rotation it asks for leave,
 * with the number of lines that must have been read: all of them, if the rotation cuts them off; one of the file at least,
 * otherwise, because a file that is replaced before anybody looks is lost to everybody.
 */
export async function writeLines(
  file: string,
  rotation: Rotation,
  ask: (question: string) => Promise<void>,
): Promise<void> {
  const cuts = rotation === 'copytruncate' || rotation === 'truncation';
  const late = rotation === 'rename and create, and a program that opens it late';
  let fd = openSync(file, 'a');
  let count = 0;
  let started = 0;
  const writeSome = (lines: number): void => {
    let text = '';
    for (let i = 0; i < lines; i++) text += `${count++} äöü€🙂\n`;
    // In two pieces, which cut a character or a line.
    const bytes = Buffer.from(text);
    const middle = Math.floor(bytes.length / 2) + 1;
    writeSync(fd, bytes.subarray(0, middle));
    writeSync(fd, bytes.subarray(middle));
  };
  for (let turn = 0; turn < 20; turn++) {
    for (let batch = 0; batch < 9; batch++) {
      writeSome(100);
      await new Promise((done) => setTimeout(done, 10));
    }
    await ask(`rotate ${cuts ? count : started + 1}`);
    fd = rotations[rotation](file, fd);
    if (late) {
      writeSome(50);
      await new Promise((done) => setTimeout(done, 5));
      writeSome(50);
      closeSync(fd);
      fd = openSync(file, 'a');
      started = count;
    } else {
      started = count;
      writeSome(100);
    }
  }
  closeSync(fd);
  await ask(`end ${count}`);
}
