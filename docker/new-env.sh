#!/bin/sh
# Adds to .env what `docker compose up` insists on: fresh secrets, never the same twice. Lines that are
# there stay as they are. Name a profile as well to wire it up: sh docker/new-env.sh ernie postgres
set -eu
umask 077
cd "$(dirname "$0")/.."

for profile in "$@"; do
    case $profile in
        ernie | paddleocr-vl | postgres) ;;
        *)
            echo "There is no profile '$profile'; there are ernie, paddleocr-vl and postgres." >&2
            exit 2
            ;;
    esac
done

case " $* " in
    *" ernie "*" paddleocr-vl "* | *" paddleocr-vl "*" ernie "*)
        echo "ernie and paddleocr-vl are both ERNIE_BASE_URL; name one of them." >&2
        exit 2
        ;;
esac

touch .env

secret() { # 40 hexadecimal digits, which is also the form of a Label Studio token
    od -An -N20 -tx1 /dev/urandom | tr -d ' \n'
}

add() { # NAME VALUE
    if grep -q "^$1=." .env; then
        echo "$1 is set in .env already and stays"
    else
        # a file without a last line feed would swallow the new line
        [ -z "$(tail -c 1 .env)" ] || echo >> .env
        echo "$1=$2" >> .env
        echo "$1 added to .env"
    fi
}

add LABEL_STUDIO_PASSWORD "$(secret)"
add LABEL_STUDIO_API_KEY "$(secret)"
add BASIC_AUTH_USER label-studio
add BASIC_AUTH_PASS "$(secret)"
add WEBHOOK_SECRET "$(secret)"

for profile in "$@"; do
    case $profile in
        ernie)
            add ERNIE_BASE_URL http://ernie:8180/v1
            add ERNIE_MODEL baidu/ERNIE-4.5-VL-28B-A3B-Paddle
            ;;
        paddleocr-vl)
            add ERNIE_BASE_URL http://paddleocr-vl:8118/v1
            add ERNIE_MODEL PaddleOCR-VL-1.6-0.9B
            # it knows one prompt, and no thoughts
            add ERNIE_PROMPT_STYLE ocr
            add ERNIE_DISABLE_THINKING false
            ;;
        postgres)
            add POSTGRES_PASSWORD "$(secret)"
            add STORE_URL "postgresql+psycopg://twinread:$(sed -n 's/^POSTGRES_PASSWORD=//p' .env | tail -n 1)@postgres:5432/twinread"
            ;;
    esac
done
