/** AWS's answers: errors as the SDK throws them, and whole HTTP answers where the SDK's own reading of them matters. */

/** An error of the SDK; without a status no answer came. */
export function sdkError(
  name: string,
  status?: number,
  more: { message?: string; Code?: string } = {},
): Error {
  const { message = `AWS says ${name}`, ...rest } = more;
  return Object.assign(new Error(message), {
    name,
    $metadata: status === undefined ? {} : { httpStatusCode: status },
    ...rest,
  });
}

/** Settings of an SDK client whose every request gets this HTTP answer, without a network. */
export function answering(statusCode: number, body = '', headers: Record<string, string> = {}) {
  return {
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
    requestHandler: {
      handle: async () => ({
        response: { statusCode, headers, body: new TextEncoder().encode(body), reason: '' },
      }),
    },
  };
}
