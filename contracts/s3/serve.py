"""An S3 server for the contract: moto, with a bucket, a user who may use it, and one who may not. Prints how to reach them."""

import json
import os
import sys

ACTIONS = 6  # the calls below; from then on every signature and right is checked
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(ACTIONS)
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3  # noqa: E402  (it reads the environment)
from moto.server import ThreadedMotoServer  # noqa: E402

BUCKET = "portico-contract"

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
anybody = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup", "endpoint_url": endpoint}

iam, s3 = boto3.client("iam", **anybody), boto3.client("s3", **anybody)
s3.create_bucket(Bucket=BUCKET)
rights = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
    ],
}


def user(name, policy):
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="files", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


portico, stranger = user("portico", rights), user("stranger", None)
print(json.dumps({"endpoint": endpoint, "bucket": BUCKET, "portico": portico, "stranger": stranger}), flush=True)
sys.stdin.read()
server.stop()
