/**
 * The words in front of a command whose standard output, a pipe, is to be non-blocking, as some supervisors leave it, and to
 * hold one page only. Needs perl.
 */
export const nonBlockingOutput: readonly string[] = [
  "perl",
  "-e",
  // 1031 is F_SETPIPE_SZ (bits/fcntl-linux.h).
  "use Fcntl; fcntl(STDOUT, 1031, 4096) or die; " +
  "fcntl(STDOUT, F_SETFL, fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK) or die; exec @ARGV or die",
];
