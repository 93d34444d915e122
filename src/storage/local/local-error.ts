import { HoldfastError, systemErrno, toHoldfastError } from '../../base/errors.ts';

/** A failed file operation in our words, with the place it happened at. */
export function localError(error: unknown, path: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  switch (systemErrno(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new HoldfastError('DISK_FULL', `no space left on the disk that holds ${path}`, {
        cause: error,
        hint: 'Free some space there, or let retention keep fewer backups. Nothing of the unfinished backup is kept.',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HoldfastError('NO_PERMISSION', `not allowed to use ${path}`, {
        cause: error,
        hint: 'Give the user that runs holdfast the right to read and write there, and see that it is not mounted read-only.',
      });
    case 'ENOTDIR':
      return notAFolder(path, error);
    case 'ENAMETOOLONG':
      return new HoldfastError('STORAGE_PATH_TOO_LONG', `${shortened(path)} is longer than the system takes`, {
        cause: error,
        hint: 'Set the path of the storage to a folder with a shorter one (all of it may have 4,095 bytes, each name 255), or name the folders of the source shorter.',
      });
    case 'ELOOP':
      return outsideRoot(path);
    case 'EIO':
    case 'ESTALE':
      return new HoldfastError('STORAGE_FAULT', `the disk that holds ${path} reported a fault`, {
        cause: error,
        hint: 'Check the disk or the network share, then try again.',
      });
    default:
      return toHoldfastError(error);
  }
}

function shortened(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 100)}...${path.slice(-100)}`;
}

export function notAFolder(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('STORAGE_NOT_A_FOLDER', `${path} is not a folder`, {
    kind: 'usage',
    cause,
    hint: 'Set the path of the storage to a folder, or move away the file that is in its place.',
  });
}

export function noFolderIn(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('NO_PERMISSION', `no folder can be created in ${path}`, {
    cause,
    hint: 'Set the path of the storage to a folder on a disk that the user who runs holdfast may write to.',
  });
}

export function notFound(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_FOUND', `${key} does not exist in ${title}`);
}

export function taken(prefix: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${prefix} exists already in ${title}, or is being written`, {
    kind: 'busy',
  });
}

export function outsideRoot(path: string): HoldfastError {
  return new HoldfastError('STORAGE_SYMLINK', `${path} is a symbolic link or lies behind one that leaves the storage`, {
    kind: 'refused',
    hint: 'Set the path of the storage to where the files really are.',
  });
}
