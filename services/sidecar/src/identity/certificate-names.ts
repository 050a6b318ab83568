/** Stand-in. */
export interface CertificateNames {
  readonly uris: readonly string[]
  readonly dns: readonly string[]
  readonly mails: readonly string[]
}
export interface CertificatePattern {
  readonly kind: 'uri' | 'dns' | 'mail'
  readonly text: string
}
export const CERTIFICATE_PATTERN = 'may be a URI such as spiffe://example.org/ns/*'
export function parseCertificatePattern(text: string): CertificatePattern | undefined {
  return text === '' ? undefined : { kind: 'uri', text }
}
export function matchesCertificate({ text }: CertificatePattern, { uris }: CertificateNames): boolean {
  return uris.length === 1 && uris[0] === text
}
