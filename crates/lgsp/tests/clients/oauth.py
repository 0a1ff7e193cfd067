"""A stock OAuth 2 client, unmodified: gets a token and calls through, over TLS.

usage: oauth.py authlib|requests-oauthlib BASE CONSUMER_KEY SECRET_KEY basic|body
REQUESTS_CA_BUNDLE names the certificate to trust.
"""
import sys

library, base, key, secret, method = sys.argv[1:]

if library == "authlib":
    from authlib.integrations.requests_client import OAuth2Session

    auth = {"basic": "client_secret_basic", "body": "client_secret_post"}[method]
    client = OAuth2Session(key, secret, token_endpoint_auth_method=auth)
    token = client.fetch_token(f"{base}/token", grant_type="client_credentials")
else:
    from oauthlib.oauth2 import BackendApplicationClient
    from requests.auth import HTTPBasicAuth
    from requests_oauthlib import OAuth2Session

    client = OAuth2Session(client=BackendApplicationClient(client_id=key))
    if method == "basic":
        token = client.fetch_token(f"{base}/token", auth=HTTPBasicAuth(key, secret))
    else:
        token = client.fetch_token(
            f"{base}/token", client_id=key, client_secret=secret, include_client_id=True
        )

assert token["token_type"] == "Bearer" and token["expires_in"] == 3600, token
answer = client.get(f"{base}/datdai/1.0/tra-cuu", params={"maThua": "7"})
print(library, method, answer.status_code, answer.headers["Exchange-Id"])
assert answer.status_code == 200, answer.text
assert client.get(f"{base}/khac/1.0/x").status_code == 403
