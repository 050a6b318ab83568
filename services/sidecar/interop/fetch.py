"""python3 fetch.py URL CA-FILE [--token TOKEN] [--cert FILE --key FILE]: prints status and body, or the error."""

import argparse
import ssl
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
for name in ("url", "ca"):
    parser.add_argument(name)
for name in ("--token", "--cert", "--key"):
    parser.add_argument(name)
given = parser.parse_args()

context = ssl.create_default_context(cafile=given.ca)
if given.cert:
    context.load_cert_chain(given.cert, given.key)
request = urllib.request.Request(given.url)
if given.token:
    request.add_header("Authorization", f"Bearer {given.token}")
try:
    with urllib.request.urlopen(request, context=context) as response:
        print(response.status, response.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except (urllib.error.URLError, OSError) as error:
    print("failed", error)
