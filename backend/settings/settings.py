"""Every setting in one class, read from the environment or from a `.env` file in the working folder.

Commands, the server and the pipeline read `Settings` and give plain values to detectors, readers and the
other packages below.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
    SettingsError,
)

from backend.cores import cores
from backend.errors import SettingsWrong
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.message_language import MessageLanguage
from backend.page.limits import MAX_DECODING_PIXELS, MAX_IMAGE_BYTES, MAX_JPEG_SCANS, MAX_PAGE_PIXELS
from backend.settings import env_file

ENV_FILE = Path(".env")
"""In the working folder."""

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list."""


STORE_FILE = "readings.sqlite3"
"""The store of readings in CACHE_DIR."""


def default_cache_dir() -> Path:
    """The folder for models, images and the store: `$XDG_CACHE_HOME/twinread` or `~/.cache/twinread`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinread"


class Settings(BaseSettings):
    """All settings, with their defaults, units and meaning."""

    model_config = SettingsConfigDict(
        # `load` reads .env, after a look at whose it is
        env_file=None,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    # Label Studio
    label_studio_url: AnyHttpUrl = Field(
        AnyHttpUrl("http://localhost:8080"), description="Address of Label Studio, as this machine reaches it"
    )
    label_studio_api_key: SecretStr | None = Field(
        None, description="Personal access token or legacy token; twinread finds out which one it is"
    )
    label_text: str = Field("Text", description="Label of a line that is ready")
    label_check: str = Field("Check", description="Label of a line that a person must decide")
    label_illegible: str = Field("Illegible", description="Label of a line that nobody can read")
    label_not_text: str = Field("Not text", description="Label of a box that holds no text")
    text_field: CommaSeparated = Field(
        (),
        description="Name of the TextArea that holds transcriptions, where a config has several per region",
    )
    message_language: MessageLanguage = Field(
        "en", description="Language of the explanations that annotators see: en or ru"
    )

    # Review by the line
    lines_per_sheet: int = Field(
        10, ge=1, le=10, description="Doubtful lines of one sheet; each has a column of keys of its own"
    )
    sample_pages: float = Field(
        0.05,
        ge=0,
        le=1,
        description=(
            "Share of the pages that go to page review whole, as sheets show doubtful lines alone; 0 to 1"
        ),
    )
    audit_target: float = Field(
        0.01,
        gt=0,
        lt=1,
        description=(
            "Share of wrong lines among agreed ones that you accept; `twinread audit` shows whether it holds"
        ),
    )

    # Language and readers
    ocr_language: str = Field(
        "en", description="Language of the pages (ru, uk, el, zh, ...); a task's own `language` field wins"
    )
    readers: CommaSeparated = Field(
        (),
        description=(
            "Who reads, in order of trust: two or more of ernie, paddle, tesseract; "
            "empty: ernie,ernie when a server is set, beside a WITNESS (ernie,paddle in the languages of a "
            "promoted model), "
            "else the two most unlike local engines"
        ),
    )
    reading_policy: Literal["all", "second-when-needed"] = Field(
        "all",
        description=(
            "all: every reader reads every line; second-when-needed: the first two do, and the others only "
            "lines on which those two do not agree. With a server and READERS empty the readers are then "
            "ernie,paddle,ernie or, where PaddleOCR does not write the language, ernie,tesseract,ernie"
        ),
    )
    witness: Literal["auto", "off"] = Field(
        "auto",
        description=(
            "auto: where a server reads every line twice and READERS is empty, a local engine reads "
            "along, PaddleOCR or, where that does not write the language, Tesseract. It has no vote, but its "
            "dissent is shown and lowers the score, and its assent raises it; off saves its CPU"
        ),
    )
    max_languages: int = Field(
        32,
        ge=2,
        description="Languages loaded at once, OCR_LANGUAGE included; the one idle the longest is given back",
    )
    tall_lines: Literal["auto", "never", "always"] = Field(
        "auto", description="Turn crops that are taller than wide: auto (as PaddleOCR does), never or always"
    )
    text_style: Literal["house", "house-dashes", "as-read"] = Field(
        "house",
        description=(
            "Marks that readers mix up: house (`№ 7`, `°C` and ellipses by the rule of the language, dashes "
            "where the readings differ in them), house-dashes (every dash, too) or as-read"
        ),
    )

    # ERNIE
    ernie_base_url: AnyHttpUrl | None = Field(
        None,
        repr=False,  # may hold a proxy's user and password
        description="OpenAI-compatible address, without /chat/completions; see docs/ernie-services.md",
    )
    ernie_model: str | None = Field(None, description="Name of the model, as the server lists it")
    ernie_api_key: SecretStr | None = Field(None, description="Key of the server, where it needs one")
    ernie_concurrency: int = Field(64, ge=1, le=1024, description="Calls in flight at once")
    ernie_timeout_s: float = Field(60, gt=0, description="Time limit of one call, seconds")
    ernie_page_timeout_s: float = Field(300, gt=0, description="Time limit of one page's readings, seconds")
    ernie_max_retries: int = Field(
        4, ge=0, le=20, description="Retries of a call after a failure that may pass"
    )
    ernie_max_answer_bytes: int = Field(
        1024**2,
        ge=4096,
        description="Largest answer of the server, unpacked, bytes; one has a few hundred",
    )
    ernie_temperature: float = Field(0.01, ge=0, description="Sampling temperature; see ERNIE_TOP_P")
    ernie_top_p: float = Field(
        0.001, ge=0, le=1, description="Just above 0, both make FastDeploy and vLLM take the likeliest word"
    )
    ernie_disable_thinking: bool = Field(
        True,
        description=(
            "Send chat_template_kwargs.enable_thinking=false; off for gateways that refuse it. Models with "
            "another switch get it by ERNIE_EXTRA_BODY"
        ),
    )
    ernie_extra_body: dict[str, Any] = Field({}, description="More fields for each request, as JSON")
    ernie_image_format: Literal["png", "jpeg"] = Field("jpeg", description="How crops are sent: jpeg or png")
    ernie_prompt_style: Literal["instructions", "ocr"] = Field(
        "instructions", description="ocr for models that know one prompt only (PaddleOCR-VL)"
    )
    ernie_input_price: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="What the server charges for a million tokens of questions and pictures",
    )
    ernie_cached_input_price: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="The same for tokens that it had at hand from calls before; empty: as any other",
    )
    ernie_output_price: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="What it charges for a million tokens of answers"
    )
    currency: str = Field(
        "USD",
        max_length=8,
        pattern=r"^[^\W\d_]+$|^[€$£¥₽]$",
        description="Currency of these prices, for people",
    )

    # Detection
    detection_model: str = Field("PP-OCRv5_server_det", description="Any PP-OCR detection model, by name")
    detection_model_dir: Path | None = Field(
        None, description="Folder of a detection model; wins over its name"
    )
    engine: Literal["auto", "onnxruntime", "paddle"] = Field(
        "auto",
        description=(
            "Inference engine: auto is onnxruntime on CPU; on GPU paddle if it sees the GPU, else onnxruntime"
        ),
    )
    device: str = Field("auto", description="auto (a GPU that the engine sees, else cpu), cpu or gpu:N")
    model_source: Literal["auto", "packages"] = Field(
        "auto", description="auto: PaddleOCR's cache, its hubs, packages; packages: no hub is ever asked"
    )
    cpu_threads: int = Field(
        cores(),
        ge=1,
        description=(
            "Cores that each model uses on CPU. A mobile model has a session of one thread on each (at most "
            "8 for detection, 16 for recognition, with more threads where there are more cores)"
        ),
    )
    engine_config: dict[str, Any] = Field({}, description="PaddleOCR's engine_config, as JSON")
    enable_mkldnn: bool | None = Field(
        None, description="Paddle's engine on CPU: use MKL-DNN; empty: wherever it does not crash"
    )
    mkldnn_cache_capacity: int = Field(10, ge=0, description="Paddle's engine on CPU: shapes kept by MKL-DNN")
    precision: Literal["fp32", "fp16"] = Field("fp32", description="Paddle's engine on GPU: fp32 or fp16")
    use_tensorrt: bool = Field(False, description="Paddle's engine on GPU: use TensorRT")
    enable_hpi: bool = Field(False, description="PaddleOCR's high-performance inference")
    enable_cinn: bool = Field(False, description="Paddle's engine: use the CINN compiler")
    detection_limit_side_len: int | None = Field(
        None, ge=0, description="Length that a page's side is resized to, pixels; empty: the model's own"
    )
    detection_limit_type: Literal["max", "min", "resize_long"] | None = Field(
        None, description="Which side is resized: max, min or resize_long; empty: the model's own"
    )
    detection_max_side_limit: int | None = Field(None, ge=0, description="Largest side ever searched, pixels")
    detection_thresh: float | None = Field(
        None, ge=0, le=1, description="Pixel threshold of the text map; empty: the model's own"
    )
    detection_box_thresh: float | None = Field(
        None, ge=0, le=1, description="Score under which a box is dropped; empty: the model's own"
    )
    detection_unclip_ratio: float | None = Field(
        None, ge=0, description="How far boxes are widened; empty: the model's own"
    )
    detection_input_shape: Annotated[tuple[int, int, int] | None, NoDecode] = Field(
        None, description="Fixed input shape of the detector, as 3,HEIGHT,WIDTH"
    )
    detection_enlarge_below: int = Field(
        480, ge=0, description="Pages whose long side is shorter are enlarged first, pixels; 0: never"
    )
    detection_high_resolution_from: int = Field(
        2400, ge=0, description="Pages whose long side is longer are searched at the high limit; 0: never"
    )
    detection_high_resolution_limit: int = Field(1600, ge=32, description="The high limit, pixels")

    # Local recognition
    recognition_model: str | None = Field(
        None, description="Any PP-OCR recogniser, by name; empty: the one for OCR_LANGUAGE"
    )
    recognition_model_dir: Path | None = Field(
        None, description="Folder of a (trained) recogniser; wins over its name"
    )
    recognition_batch_size: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Crops per batch; empty: 1 on CPU, where batches only cost, 16 on GPU",
    )
    tessdata_dir: Path | None = Field(
        None, description="Folder of Tesseract's language data; empty: it is searched for"
    )

    # Training
    paddleocr_dir: Path | None = Field(
        None,
        description="Checkout of PaddleOCR that trains; empty: put together from the package registry, once",
    )
    trainer_python: Path | None = Field(
        None,
        description=(
            "Python of an environment for it that you made, such as one with paddlepaddle-gpu; empty: "
            "twinread makes one for the CPU, once"
        ),
    )

    # Service
    predict_deadline_s: float = Field(
        80, gt=0, description="Time after which /predict answers with what is ready; Label Studio waits 100 s"
    )
    page_workers: int = Field(4, ge=1, le=256, description="Pages worked on at once")
    max_waiting_pages: int = Field(
        20_000, ge=1, description="Pages that may wait; more are refused (HTTP 503) until some are done"
    )
    downloads_at_once: int = Field(
        16, ge=1, le=256, description="Images downloaded at once; as many again for annotators who wait"
    )
    downloads_per_host: int = Field(
        4,
        ge=1,
        le=256,
        description=(
            "Of these from one host, so that a slow one keeps no other's images; Label Studio may have all "
            "others"
        ),
    )
    store_url: str = Field(
        "",
        repr=False,  # may hold the database's user and password
        description="Database of readings; empty: SQLite in CACHE_DIR",
    )
    store_timeout_s: float = Field(
        3, gt=0, description="Time limit of one question to PostgreSQL, seconds; reading goes on without it"
    )
    reading_claim_s: float = Field(
        20,
        ge=1,
        description=(
            "Time after which others ask for the readings that a killed twinread was being asked for, seconds"
        ),
    )
    reading_wait_s: float = Field(
        10,
        ge=0,
        description=(
            "How long an annotator waits for a reading that another twinread on the store was asked for "
            "before it is paid for twice, seconds"
        ),
    )
    cache_dir: Path = Field(default_cache_dir(), description="Folder for models, images and the store")
    image_cache_bytes: int = Field(2 * 1024**3, ge=0, description="Size limit of the image cache, bytes")
    basic_auth_user: str | None = Field(None, description="User that Label Studio must give (HTTP Basic)")
    basic_auth_pass: SecretStr | None = Field(None, description="Password that Label Studio must give")
    webhook_secret: SecretStr | None = Field(
        None, description="Secret of /webhook and /reload (path or X-Twinread-Secret header)"
    )
    allow_no_password: bool = Field(
        False,
        description=("Serve whoever reaches the port, from other machines too, without user and password"),
    )
    max_request_bytes: int = Field(64 * 1024**2, ge=1024, description="Longest body of /predict, bytes")
    max_webhook_bytes: int = Field(1024**2, ge=1024, description="Longest body of a webhook, bytes")
    request_timeout_s: float = Field(
        20, ge=1, description="Time in which a request must have come whole, or its answer be taken, seconds"
    )
    max_connections: int = Field(
        1000, ge=64, le=4000, description="Connections at once; open files must allow 400 more"
    )
    server_threads: int = Field(
        256, ge=40, le=2048, description="Requests in work at once; 32 of them are never /predict"
    )
    stop_s: float = Field(
        6,
        ge=1,
        description="Time for requests in work when twinread is stopped, seconds; 2 later it has ended",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged")

    # Training
    train_after: int = Field(
        0, ge=0, description="Newly approved lines that start a training round by themselves; 0: never"
    )
    round_export_options: str = Field(
        "", description="Options of `twinread export` for training rounds, such as --approved agreeing"
    )
    round_train_options: str = Field(
        "", description="Options of `twinread train` for training rounds, such as --minutes 60"
    )

    # Images
    allowed_image_hosts: CommaSeparated = Field(
        (), description="Private hosts that images may come from, by name"
    )
    max_image_bytes: int = Field(MAX_IMAGE_BYTES, ge=1, description="Largest image file, bytes")
    max_page_pixels: int = Field(
        MAX_PAGE_PIXELS,
        ge=1,
        description="Largest image, pixels; A3 at 600 dpi has 69,600,000. Of WebP, GIF and TIFF never more "
        "than 89,478,485",
    )
    max_decoding_pixels: int = Field(
        MAX_DECODING_PIXELS,
        ge=1,
        description="Pixels of images in decode at once, about 8 bytes each; three times as many are open "
        "while they are read, 3 bytes each. A larger image goes alone",
    )
    max_jpeg_scans: int = Field(
        MAX_JPEG_SCANS, ge=1, description="Most scans of a JPEG; usual progressive ones have about ten"
    )
    image_timeout_s: float = Field(30, gt=0, description="Time limit of one image's download, seconds")

    @field_validator("readers", "allowed_image_hosts", "detection_input_shape", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        """Split a comma-separated list."""
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator(
        "cache_dir", "detection_model_dir", "recognition_model_dir", "tessdata_dir", mode="after"
    )
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        # no shell reads .env, so there "~" would be a folder of that name
        return value.expanduser() if value is not None else None

    @field_validator("round_export_options", "round_train_options")
    @classmethod
    def _options_as_in_a_shell(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"{str(error).lower()}; write options as in a shell") from None
        return value

    @field_validator("readers")
    @classmethod
    def _pairs_of_readers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        repeated = [name for name in value if sum(name.lower() == other.lower() for other in value) > 2]
        if repeated:
            raise ValueError(f"{repeated[0]} looks at a line in two ways at most; name it once or twice")
        if len(value) == 1:
            raise ValueError("one reading is never confirmed; name at least two, such as 'ernie,paddle'")
        return tuple(name.lower() for name in value)

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if (self.ernie_base_url is None) != (self.ernie_model is None):
            raise ValueError("set ERNIE_BASE_URL and ERNIE_MODEL together, or neither")
        if (self.ernie_input_price is None) != (self.ernie_output_price is None):
            raise ValueError("set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE together, or neither")
        if self.ernie_cached_input_price is not None and self.ernie_input_price is None:
            raise ValueError("ERNIE_CACHED_INPUT_PRICE needs ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE")
        if (self.basic_auth_user is None) != (self.basic_auth_pass is None):
            raise ValueError("set BASIC_AUTH_USER and BASIC_AUTH_PASS together, or neither")
        if self.reading_policy != "all" and len(self.readers) == 2:
            raise ValueError(
                f"READING_POLICY={self.reading_policy} saves readings of a third reader, and READERS names "
                "two; name one more, such as READERS=ernie,paddle,ernie, or take READERS out"
            )
        password, secret = self.basic_auth_pass, self.webhook_secret
        header_values = {
            "BASIC_AUTH_USER": self.basic_auth_user or "",
            "BASIC_AUTH_PASS": password.get_secret_value() if password else "",
            "WEBHOOK_SECRET": secret.get_secret_value() if secret else "",
        }
        for name, value in header_values.items():
            # Label Studio writes them into HTTP headers, and fails with HTTP 500 over any other letter
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"{name} may hold ASCII characters only: Label Studio can send no others")
        if ":" in header_values["BASIC_AUTH_USER"]:
            raise ValueError("BASIC_AUTH_USER must hold no colon, which ends the user in HTTP Basic auth")
        labels = (self.label_text, self.label_check, self.label_illegible, self.label_not_text)
        if len(set(labels)) < len(labels):
            # a doubtful line with the label of a ready one would pass as ready
            raise ValueError("LABEL_TEXT, LABEL_CHECK, LABEL_ILLEGIBLE and LABEL_NOT_TEXT must all differ")
        return self

    @property
    def label_names(self) -> LabelNames:
        """The labels of lines, as the labeling config names them."""
        return LabelNames(
            self.label_text, self.label_check, self.label_illegible, self.label_not_text, self.text_field
        )

    @property
    def basic_auth(self) -> tuple[str, SecretStr] | None:
        """User and password that Label Studio must give; None where none is set."""
        if self.basic_auth_user is None or self.basic_auth_pass is None:
            return None
        return self.basic_auth_user, self.basic_auth_pass

    @property
    def round_options(self) -> dict[str, list[str]]:
        """A person's own options for the steps of a training round, by the step's name."""
        return {
            "export": shlex.split(self.round_export_options),
            "train": shlex.split(self.round_train_options),
        }

    @property
    def store_address(self) -> str:
        """`STORE_URL`, or the SQLite file in the cache folder."""
        return self.store_url or f"sqlite:///{self.cache_dir / STORE_FILE}"


def load(**overrides: Any) -> Settings:
    """Read the settings; `overrides` win over the environment, and that over `.env`.

    Where the `.env` of this folder has power, one line on standard error says what it decides.

    Raises:
        SettingsWrong: a value cannot be used, or `.env` is not the user's own. The message names the setting
            and the problem, never a secret.
    """
    path = overrides.pop("_env_file", ENV_FILE)
    in_file = env_file.read(path) if path is not None else {}
    try:
        from_file = _from_file(in_file, set(overrides))
        values = Settings(_env_file=None, **from_file, **overrides)  # type: ignore[call-arg]
    except (ValidationError, SettingsError) as error:
        problems = _problems(error)
        raise SettingsWrong(
            "A setting cannot be used. " + "; ".join(problems) + ". Set it in the environment or in .env."
        ) from None
    if said := env_file.notice(values, from_file):
        print(said, file=sys.stderr, flush=True)
    return values


def _from_file(in_file: dict[str, str], given: set[str]) -> dict[str, Any]:
    """The settings of the file that count: those that neither the environment nor code gives."""
    environment = EnvSettingsSource(Settings)
    counting = {name: text for name, text in in_file.items() if name not in given}
    counting = {name: text for name, text in counting.items() if not environment.env_vars.get(name)}
    # the same reading as of the environment: lists at commas, JSON where a setting is JSON
    environment.env_vars = counting
    return environment()


def _problems(error: ValidationError | SettingsError) -> list[str]:
    """What is wrong with each setting; no value is quoted, because it may be a secret."""
    if isinstance(error, SettingsError):
        # the message of pydantic-settings has the name in quotes, and no value
        name = str(error).partition('"')[2].partition('"')[0]
        return [f"{name.upper()}: this is not JSON"]
    problems = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"]).upper()
        problems.append(f"{name}: {problem['msg']}" if name else problem["msg"].removeprefix("Value error, "))
    return problems
