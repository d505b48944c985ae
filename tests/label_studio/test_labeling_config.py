import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import BadRequest, ConfigIncomplete, ConfigUnclear, SettingsWrong
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig, LabelNames, Labels
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.label_studio.regions import Region, RegionShape

# label_studio/annotation_templates/computer-vision/optical-character-recognition of Label Studio 1.23.2
STOCK_OCR = """<View>
  <Image name="image" value="$ocr"/>

  <Labels name="label" toName="image">
    <Label value="Text" background="green"/>
    <Label value="Handwriting" background="blue"/>
  </Labels>

  <Rectangle name="bbox" toName="image" strokeWidth="3"/>
  <Polygon name="poly" toName="image" strokeWidth="3"/>

  <TextArea name="transcription" toName="image"
            editable="true"
            perRegion="true"
            required="true"
            maxSubmissions="1"
            rows="5"
            placeholder="Recognized Text"
            displayMode="region-list"
            />
</View>"""
RECTANGLES = """<View><Image name="scan" value="$page"/>
  <RectangleLabels name="zeile" toName="scan"><Label value="TEXT"/><Label value="check"/></RectangleLabels>
  <TextArea name="abschrift" toName="scan" perRegion="true"/></View>"""
POLYGONS = """<View><TextArea name="t" toName="img" perRegion="true"/><Image name="img" value="$img"/>
  <PolygonLabels name="p" toName="img">
    <Label value="Строка" alias="line" predicted_values="text,agreed"/>
    <Label value="?" predicted_values="Check"/>
  </PolygonLabels></View>"""
POLYGONS_APART = """<View><Image name="img" value="$img"/><Polygon name="draw" toName="img"/>
  <Labels name="l" toName="img"><Label value="Text"/><Label value="Check"/></Labels>
  <TextArea name="t" toName="img" perRegion="true"/></View>"""
ONE_LABEL = """<View><Image name="img" value="$img"/>
  <RectangleLabels name="r" toName="img"><Label value="Zeile"/></RectangleLabels>
  <TextArea name="t" toName="img" perRegion="true"/></View>"""
PAGES = """<View><Image name="pdf" valueList="$pages"/>
  <RectangleLabels name="r" toName="pdf"><Label value="Text"/><Label value="Check"/></RectangleLabels>
  <TextArea name="t" toName="pdf" perRegion="true"/></View>"""
REPEATED = """<View><Repeater on="$images" indexFlag="{{i}}" mode="pagination">
  <Image name="page_{{i}}" value="$images[{{i}}].url"/>
  <RectangleLabels name="labels_{{i}}" toName="page_{{i}}"><Label value="Text"/></RectangleLabels>
  <TextArea name="text_{{i}}" toName="page_{{i}}" perRegion="true"/></Repeater></View>"""


@pytest.mark.parametrize(
    ("xml", "field", "drawing", "label", "text_name"),
    [
        pytest.param(
            default_config(), "image", ("label", "rectanglelabels"), ("label", "rectanglelabels"),
            "transcription", id="our own",
        ),
        pytest.param(
            STOCK_OCR, "ocr", ("bbox", "rectangle"), ("label", "labels"), "transcription",
            id="stock template",
        ),
        pytest.param(
            RECTANGLES, "page", ("zeile", "rectanglelabels"), ("zeile", "rectanglelabels"), "abschrift",
            id="other tag names",
        ),
        pytest.param(POLYGONS, "img", ("p", "polygonlabels"), ("p", "polygonlabels"), "t", id="polygons"),
        pytest.param(POLYGONS_APART, "img", ("draw", "polygon"), ("l", "labels"), "t", id="labels apart"),
        pytest.param(PAGES, "pages", ("r", "rectanglelabels"), ("r", "rectanglelabels"), "t", id="pages"),
        pytest.param(
            REPEATED, "images", ("labels_{{i}}", "rectanglelabels"), ("labels_{{i}}", "rectanglelabels"),
            "text_{{i}}", id="repeated views",
        ),
    ],
)  # fmt: skip
def test_a_config_is_read_under_any_tag_names(xml, field, drawing, label, text_name):
    config = LabelingConfig.parse(xml)
    control = config.control
    assert (config.data_field, config.text_name) == (field, text_name)
    assert (control.name, control.type) == drawing
    assert (control.labels_name, control.labels_type) == label


@pytest.mark.parametrize(
    ("xml", "labels"),
    [
        pytest.param(default_config(), Labels("Text", "Check", "Illegible", "Not text"), id="our own"),
        pytest.param(STOCK_OCR, Labels("Text", "Text"), id="no label for doubt: doubtful lines are Text too"),
        pytest.param(RECTANGLES, Labels("TEXT", "check"), id="without case"),
        pytest.param(POLYGONS, Labels("line", "?"), id="predicted_values decide, alias is what is stored"),
        pytest.param(ONE_LABEL, Labels("Zeile", "Zeile"), id="a single label is for text, whatever its name"),
        pytest.param(
            RECTANGLES.replace("TEXT", "Zeile"), Labels("Zeile", "check"), id="the only one left is for text"
        ),
    ],
)  # fmt: skip
def test_labels_are_found_under_any_names(xml, labels):
    assert LabelingConfig.parse(xml).control.labels == labels


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("", '<Image name="image" value="$image"/>', id="no image"),
        pytest.param('<Pdf name="pdf" value="$pdf"/>', "pdftoppm", id="a PDF, which is only shown"),
        pytest.param(
            '<Image name="i" value="http://x/y.png"/>', 'value="$image"', id="an image without a field"
        ),
        pytest.param(
            '<Image name="i" value="$a"/><TextArea name="t" toName="i" perRegion="true"/>',
            '<RectangleLabels name="label" toName="i">',
            id="nothing that draws",
        ),
        pytest.param(
            '<Image name="i" value="$a"/><BrushLabels name="b" toName="i"><Label value="Text"/></BrushLabels>'
            '<TextArea name="t" toName="i" perRegion="true"/>',
            '<RectangleLabels name="label" toName="i">',
            id="only brushes",
        ),
        pytest.param(
            '<Image name="i" value="$a"/><RectangleLabels name="r" toName="i"><Label value="Text"/>'
            "</RectangleLabels>",
            '<TextArea name="transcription" toName="i" perRegion="true"/>',
            id="no text",
        ),
        pytest.param(
            '<Image name="i" value="$a"/><RectangleLabels name="r" toName="i"><Label value="Text"/>'
            '</RectangleLabels><TextArea name="all" toName="i"/>',
            'The TextArea "all" holds one text for the whole image',
            id="one text for the page",
        ),
        pytest.param(
            '<Image name="i" value="$a"/><RectangleLabels name="r" toName="i"><Label value="Stamp"/>'
            '<Label value="Logo"/></RectangleLabels><TextArea name="t" toName="i" perRegion="true"/>',
            '(it has: "Stamp", "Logo"): add <Label value="Text"/>',
            id="no label for text among several",
        ),
        pytest.param(
            '<Image name="i" value="$a"/><RectangleLabels name="r" toName="other"><Label value="Text"/>'
            '</RectangleLabels><TextArea name="t" toName="i" perRegion="true"/>',
            "no tag that draws lines",
            id="the boxes are for another image",
        ),
    ],
)
def test_what_is_lacking_is_named_with_the_tag_to_add(inner, expected):
    with pytest.raises(ConfigIncomplete) as caught:
        LabelingConfig.parse(f"<View>{inner}</View>")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param("", "not well-formed", id="nothing"),
        pytest.param("<View>", "not well-formed", id="cut off"),
        pytest.param("<View>\ud800</View>", "not well-formed", id="a lone surrogate"),
        pytest.param(
            '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><View>&b;</View>',
            "refused as unsafe",
            id="entities that multiply",
        ),
        pytest.param(
            '<!DOCTYPE v [<!ENTITY f SYSTEM "file:///etc/passwd">]><View>&f;</View>',
            "refused as unsafe",
            id="an entity that opens a file",
        ),
        pytest.param(
            '<!DOCTYPE v SYSTEM "http://10.0.0.1/v.dtd"><View/>', "refused as unsafe", id="a foreign type"
        ),
        pytest.param("<View>" + " " * 1_000_000 + "</View>", "twinread reads up to", id="too long"),
    ],
)
def test_a_config_that_is_no_plain_xml_is_refused_in_one_sentence(xml, expected):
    with pytest.raises(BadRequest, match=expected) as caught:
        LabelingConfig.parse(xml)
    assert not isinstance(caught.value, ConfigIncomplete)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_config_or_a_bad_request(xml):
    with pytest.raises(BadRequest):
        LabelingConfig.parse(xml)


def test_of_several_images_the_one_with_a_text_per_region_is_taken():
    config = LabelingConfig.parse(
        """<View>
        <Image name="left" value="$before"/><Image name="right" value="$after"/>
        <RectangleLabels name="boxes" toName="left,right"><Label value="Text"/></RectangleLabels>
        <TextArea name="note" toName="left"/><TextArea name="text" toName="right" perRegion="true"/>
        </View>"""
    )
    assert (config.image_name, config.data_field, config.text_name) == ("right", "after", "text")
    assert [config.page_of(on(name)) for name in ("left", "right")] == [NO_PAGE, 0]


FRONT_AND_BACK = """<View><Image name="l" value="$front"/><Image name="r" value="$scans.back"/>
  <RectangleLabels name="rl" toName="l"><Label value="Text"/></RectangleLabels>
  <TextArea name="tl" toName="l" perRegion="true"/>
  <RectangleLabels name="rr" toName="r"><Label value="Zeile"/><Label value="Check"/></RectangleLabels>
  <TextArea name="tr" toName="r" perRegion="true"/></View>"""
SHARED_CONTROLS = """<View><Image name="l" value="$front"/><Image name="r" value="$back"/>
  <RectangleLabels name="box" toName="l,r"><Label value="Text"/></RectangleLabels>
  <TextArea name="t" toName="l, r" perRegion="true"/></View>"""
TWO_A_PAGE = REPEATED.replace(
    "</Repeater>",
    """<Image name="back_{{i}}" value="$images[{{i}}].back"/>
  <RectangleLabels name="rb_{{i}}" toName="back_{{i}}"><Label value="Text"/></RectangleLabels>
  <TextArea name="tb_{{i}}" toName="back_{{i}}" perRegion="true"/></Repeater>""",
)


NO_LABELS = """<View><Image name="i" value="$a"/><Rectangle name="box" toName="i" smart="true"/>
  <TextArea name="t" toName="i" perRegion="true"/></View>"""
LABELS_OF_TASKS = """<View><Image name="i" value="$a"/><RectangleLabels name="r" toName="i" value="$labels"/>
  <TextArea name="t" toName="i" perRegion="true"/></View>"""


def on(to_name, item_index=None):
    return Region("a", RegionShape.RECTANGLE, None, to_name=to_name, item_index=item_index)


def test_several_image_tags_are_pages_each_with_its_own_tags():
    config = LabelingConfig.parse(FRONT_AND_BACK)
    data = {"front": "f.png", "scans": {"back": "b.png"}}
    assert config.references(data) == ("f.png", "b.png")
    front, back = config.on_page(0), config.on_page(1)
    assert (front.image_name, front.text_name, front.control.labels.text) == ("l", "tl", "Text")
    assert (back.image_name, back.text_name, back.control.labels) == ("r", "tr", Labels("Zeile", "Check"))
    assert (front.multi_image, front.others, back.others) == (False, (), ())
    assert (config.multi_image, config.has_item_index) == (True, False)
    assert config.labels_of("rr").text == "Zeile"


@pytest.mark.parametrize(
    ("xml", "region", "page"),
    [
        pytest.param(FRONT_AND_BACK, on("l"), 0, id="the first image"),
        pytest.param(FRONT_AND_BACK, on("r"), 1, id="the second image"),
        pytest.param(SHARED_CONTROLS, on("r"), 1, id="one control for both images"),
        pytest.param(SHARED_CONTROLS, on("l,r"), NO_PAGE, id="both images at once"),
        pytest.param(SHARED_CONTROLS, on(""), NO_PAGE, id="no image"),
        pytest.param(FRONT_AND_BACK, on("image"), NO_PAGE, id="an image of another config"),
        pytest.param(RECTANGLES, on("image"), 0, id="one image, under the name that it had once"),
        pytest.param(PAGES, on("pdf", 2), 2, id="a list of pages"),
        pytest.param(REPEATED, on("page_3"), 3, id="a repeated view"),
        pytest.param(TWO_A_PAGE, on("page_3"), 3, id="the image of a repeated view that is read"),
        pytest.param(TWO_A_PAGE, on("back_3"), NO_PAGE, id="the image of a repeated view that is not"),
    ],
)
def test_a_region_is_on_the_image_that_it_names(xml, region, page):
    assert LabelingConfig.parse(xml).page_of(region) == page


def test_an_image_that_a_task_lacks_keeps_the_others_in_their_places():
    config = LabelingConfig.parse(SHARED_CONTROLS)
    assert config.images_there({"front": None, "back": "b.png"}) == (None, "b.png")
    with pytest.raises(BadRequest, match='under "\\$front"'):
        config.references({"front": None, "back": "b.png"})
    with pytest.raises(BadRequest, match="no image in its data"):
        config.images_there({"image": "a.png"})


def test_of_several_controls_the_one_that_the_text_area_belongs_to_is_taken():
    config = LabelingConfig.parse(
        """<View><Image name="i" value="$a"/>
        <RectangleLabels name="stamps" toName="i"><Label value="Text"/></RectangleLabels>
        <RectangleLabels name="lines" toName="i"><Label value="Text"/></RectangleLabels>
        <TextArea name="locked" toName="i" perRegion="true" editable="false"/>
        <TextArea name="t" toName="i" perRegion="true" whenTagName="lines"/></View>"""
    )
    assert [control.name for control in config.controls] == ["lines"]
    assert config.text_name == "t"


def one_image(*inner):
    return '<View><Image name="i" value="$a"/>' + "".join(inner) + "</View>"


def boxes(name, *labels):
    offered = "".join(f'<Label value="{label}"/>' for label in labels)
    return f'<RectangleLabels name="{name}" toName="i">{offered}</RectangleLabels>'


def area(name, more=""):
    return f'<TextArea name="{name}" toName="i" perRegion="true" {more}/>'


def hidden(inner, more):
    return f'<View visibleWhen="{more}>{inner}</View>'


@pytest.mark.parametrize(
    ("xml", "control", "text_name"),
    [
        pytest.param(
            one_image(boxes("stamp", "Stamp"), boxes("line", "Text"), area("t")), "line", "t",
            id="the tag with the label for text",
        ),
        pytest.param(
            one_image(boxes("stamp", "Stamp"), boxes("line", "Zeile", "Check"), area("t")), "line", "t",
            id="the tag with the label for doubt",
        ),
        pytest.param(
            one_image(
                boxes("stamp", "Stamp"),
                '<RectangleLabels name="line" toName="i"><Label value="L" predicted_values="Text"/>'
                "</RectangleLabels>", area("t"),
            ),
            "line", "t", id="the tag with predicted_values",
        ),
        pytest.param(
            one_image(boxes("stamp", "Stamp"), boxes("line", "Line"), area("t", 'whenTagName="line"')),
            "line", "t", id="the tag that the text belongs to",
        ),
        pytest.param(
            one_image(
                boxes("stamp", "Stamp"), boxes("line", "Text"),
                area("note", 'whenTagName="stamp"'), area("t", 'whenTagName="line"'),
            ),
            "line", "t", id="a text for each tag",
        ),
        pytest.param(
            one_image(
                boxes("line", "Printed", "Photo"), area("caption", 'whenLabelValue="Photo"'),
                area("t", 'whenLabelValue="Text"'),
            ).replace("Printed", "Text"),
            "line", "t", id="a text for each label",
        ),
        pytest.param(
            one_image(boxes("line", "Printed", "Photo"), area("t", 'whenLabelValue="Printed"')),
            "line", "t", id="the one label that shows the text",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), hidden(area("t"), 'region-selected" whenTagName="line"')),
            "line", "t", id="a text that is shown once a box is selected",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), hidden(area("t"), 'choice-unselected" whenTagName="c"')),
            "line", "t", id="a text that a choice would hide",
        ),
        pytest.param(
            one_image('<Rectangle name="box" toName="i"/>', area("t")), "box", "t", id="boxes without labels"
        ),
    ],
)  # fmt: skip
def test_the_tag_that_says_so_is_taken(xml, control, text_name):
    config = LabelingConfig.parse(xml)
    assert (config.control.name, config.text_name) == (control, text_name)


def test_the_one_label_that_shows_the_text_is_the_label_for_text():
    config = LabelingConfig.parse(
        one_image(boxes("line", "Printed", "Photo", "Table"), area("t", 'whenLabelValue="Printed"'))
    )
    assert config.control.labels == Labels("Printed", "Printed")


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(
            one_image(boxes("stamp", "Stamp"), boxes("line", "Line"), area("t")),
            'Several tags could draw text lines ("stamp", "line")', id="two tags",
        ),
        pytest.param(
            one_image(boxes("stamp", "Stamp"), boxes("field", "Date", "Total"), area("t")),
            'Several tags could draw text lines ("stamp", "field")', id="two tags, one with several labels",
        ),
        pytest.param(
            one_image(boxes("field", "Date", "Total"), area("t")), "or set LABEL_TEXT to its name",
            id="several labels",
        ),
        pytest.param(
            one_image(boxes("line", "Text", "Photo"), area("t", 'whenLabelValue="Photo"')),
            'would not see the text of a line with the label "Text"', id="shown for another label",
        ),
        pytest.param(
            one_image(boxes("line", "Text", "Check"), area("t", 'whenLabelValue="Text"')),
            'would not see the text of a line with the label "Check"', id="hidden while a line is in doubt",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), area("t", 'whenTagName="kind" whenChoiceValue="x"')),
            "once a choice is made", id="shown after a choice",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), hidden(area("t"), 'choice-selected" whenTagName="kind"')),
            'visibleWhen="choice-selected"', id="in a view that is shown after a choice",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), hidden(f"<View>{area('t')}</View>", 'no-region-selected"')),
            'visibleWhen="no-region-selected"', id="in a view that a selection hides",
        ),
        pytest.param(
            one_image(boxes("line", "Text"), area("t", 'whenTagName="stamp"')), "(whenTagName)",
            id="shown for a tag that draws nothing",
        ),
    ],
)  # fmt: skip
def test_a_config_that_leaves_it_open_or_hides_the_text_is_refused_with_a_question(xml, expected):
    with pytest.raises(ConfigIncomplete) as caught:
        LabelingConfig.parse(xml)
    assert expected in str(caught.value)


TWO_TEXTS = one_image(
    '<TextArea name="notes" toName="i"/>', boxes("line", "Text"), area("translation"), area("transcription")
)


def test_of_several_texts_the_named_one_is_taken_else_people_are_asked():
    with pytest.raises(ConfigUnclear, match=r'"translation" or "transcription".*TEXT_FIELD'):
        LabelingConfig.parse(TWO_TEXTS)
    with pytest.raises(ConfigUnclear):
        LabelingConfig.parse(TWO_TEXTS, LabelNames(text_areas=("text",)))
    config = LabelingConfig.parse(TWO_TEXTS, LabelNames(text_areas=("transcription", "text")))
    assert (config.text_name, config.other_texts) == ("transcription", {"translation"})
    assert LabelingConfig.parse(STOCK_OCR, LabelNames(text_areas=("text",))).text_name == "transcription"


def test_label_text_names_one_label_of_many():
    tesseract = one_image(boxes("line", "Label1", "Label2", "Label3"), area("t"))
    assert LabelingConfig.parse(tesseract, LabelNames("Label2")).control.labels.text == "Label2"


def test_rectangles_are_preferred_and_polygons_known():
    config = LabelingConfig.parse(STOCK_OCR)
    assert [(control.name, control.shape) for control in config.controls] == [
        ("bbox", "rectangle"),
        ("poly", "polygon"),
    ]


def test_tags_and_attributes_are_read_without_case_as_label_studio_does():
    config = LabelingConfig.parse(
        """<View><image name="i" value="$a"/><rectanglelabels name="r" toname="i"><label value="Text"/>
        </rectanglelabels><Textarea name="t" toname="i" perregion="True"/></View>"""
    )
    assert (config.control.name, config.text_name) == ("r", "t")


def test_labels_that_come_with_each_task_are_taken_at_their_given_names():
    config = LabelingConfig.parse(
        """<View><Image name="i" value="$a"/><RectangleLabels name="r" toName="i" value="$labels"/>
        <TextArea name="t" toName="i" perRegion="true"/></View>""",
        LabelNames(text="line"),
    )
    assert config.control.labels == Labels("line", "Check", "Illegible", "Not text")


def test_the_gate_is_known():
    assert LabelingConfig.parse(default_config()).required_choices_name == "later"
    assert LabelingConfig.parse(STOCK_OCR).required_choices_name is None


@pytest.mark.parametrize(
    ("xml", "data", "expected"),
    [
        pytest.param(RECTANGLES, {"page": "a.png"}, ("a.png",), id="one image"),
        pytest.param(PAGES, {"pages": ["a.png", "b.png"]}, ("a.png", "b.png"), id="a list of pages"),
        pytest.param(PAGES, {"pages": "a.png"}, ("a.png",), id="one page without a list"),
        pytest.param(
            REPEATED,
            {"images": [{"url": "a.png"}, {"url": "b.png"}]},
            ("a.png", "b.png"),
            id="repeated views",
        ),
        pytest.param(
            ONE_LABEL.replace("$img", "$scan.front"), {"scan": {"front": "a.png"}}, ("a.png",), id="a path"
        ),
        pytest.param(
            ONE_LABEL.replace("$img", "$scan.front"),
            {"scan.front": "a.png"},
            ("a.png",),
            id="a field with a dot",
        ),
    ],
)
def test_a_task_gives_the_images_that_the_config_names(xml, data, expected):
    assert LabelingConfig.parse(xml).references(data) == expected


@pytest.mark.parametrize(
    ("xml", "data"),
    [
        pytest.param(RECTANGLES, {"image": "a.png"}, id="another field"),
        pytest.param(RECTANGLES, {"page": None}, id="null"),
        pytest.param(RECTANGLES, {"page": ""}, id="empty"),
        pytest.param(RECTANGLES, {"page": 7}, id="a number"),
        pytest.param(PAGES, {"pages": []}, id="no pages"),
        pytest.param(PAGES, {"pages": ["a.png", None]}, id="a page that is not there"),
        pytest.param(REPEATED, {"images": "a.png"}, id="not a list"),
        pytest.param(REPEATED, {"images": [{"url": "a.png"}, {}]}, id="a view without its image"),
    ],
)
def test_a_task_without_its_image_is_told_so(xml, data):
    with pytest.raises(BadRequest, match="has no image in its data"):
        LabelingConfig.parse(xml).references(data)


def test_a_repeated_view_has_the_names_of_its_page():
    page = LabelingConfig.parse(REPEATED).on_page(2)
    assert (page.image_name, page.source, page.text_name) == ("page_2", "$images[2].url", "text_2")
    assert (page.control.name, page.control.labels_name) == ("labels_2", "labels_2")
    assert LabelingConfig.parse(RECTANGLES).on_page(2) == LabelingConfig.parse(RECTANGLES)
    assert [LabelingConfig.parse(xml).multi_image for xml in (RECTANGLES, PAGES, REPEATED)] == [
        False,
        True,
        True,
    ]


def test_our_config_can_be_given_other_names_and_hints_in_russian():
    names = LabelNames("Line", "Look", "Blurred", "No text")
    russian = default_config(names, "ru")
    assert LabelingConfig.parse(russian, names).control.labels == Labels("Line", "Look", "Blurred", "No text")
    root = ET.fromstring(russian)
    gate, text = root.find(".//Choices"), root.find(".//TextArea")
    assert gate.get("whenLabelValue") == "Look"
    assert text.get("whenLabelValue") == "Line,Look"
    assert gate.get("requiredMessage").startswith("Два прочтения этой строки расходятся")
    assert "3 (Blurred: не читается)" in text.get("requiredMessage")
    assert [label.get("hotkey") for label in root.iter("Label")] == ["1", "2", "3", "4"]


def test_our_config_differs_between_languages_only_in_its_hints():
    english, russian = (ET.fromstring(default_config(language=language)) for language in ("en", "ru"))
    differing = {
        (mine.tag, key)
        for mine, theirs in zip(english.iter(), russian.iter(), strict=True)
        for key in mine.attrib
        if mine.get(key) != theirs.get(key)
    }
    assert differing == {
        ("Choices", "requiredMessage"),
        ("TextArea", "requiredMessage"),
        ("TextArea", "placeholder"),
    }


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(LabelNames("Text", "text"), id="one name twice, but for case"),
        pytest.param(LabelNames(check=" "), id="blank"),
        pytest.param(LabelNames(not_text="Not, text"), id="a comma, which Label Studio reads as two labels"),
    ],
)
def test_label_names_that_cannot_work_are_refused(names):
    with pytest.raises(SettingsWrong, match="cannot be used together"):
        default_config(names)


@pytest.mark.parametrize("language", MESSAGE_LANGUAGES)
def test_label_studio_accepts_our_config(language):
    from label_studio_sdk.label_interface import LabelInterface

    LabelInterface(default_config(language=language)).validate()
