/** `2026-11-28 22:35`, or `22:35:07` of that day, in the reader's own time zone. */
export function localTime(iso: string, to: 'minutes' | 'seconds' = 'minutes'): string {
  const time = new Date(iso);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const minute = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return `${day} ${minute}${to === 'seconds' ? `:${two(time.getSeconds())}` : ''}`;
}

/** Seconds as people say them: `41 s`, `3 min 5 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
