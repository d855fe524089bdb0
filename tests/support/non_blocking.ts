/** The words in front of a command whose standard output is to be non-blocking, as some supervisors leave it. Needs perl. */
export const nonBlockingOutput: readonly string[] = [
  "perl",
  "-e",
  "use Fcntl; fcntl(STDOUT, F_SETFL, fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK) or die; exec @ARGV or die",
];
