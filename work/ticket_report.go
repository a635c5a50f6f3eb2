package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// reportTerms are about how a ticket comes to be: where it is, when it was reported, and what has come of it before it was here itself.
type reportTerms struct {
	placed, titled                 condition
	keepTime, wantPhoto, takeEarly effect
}

func aboutReports() reportTerms {
	return reportTerms{
		placed: condition{
			name:  "a find on patrol says where, or that there is no fix",
			holds: (*judgement).placed,
			refusal: refusal{missing, "location",
				"巡查发现须注明位置：扫码、定位或选择地点；定位不到请选「无定位」。",
				"A find on patrol needs its place: scan a tag, take a fix, or choose from the list; without a fix say so."},
		},
		titled: condition{
			name:    "a title is not blank",
			holds:   func(j *judgement) bool { return !blank(j.written().GetTicket().GetTitle()) },
			refusal: blankTitle(),
		},
		keepTime: effect{"reported_time = effective time", func(j *judgement) {
			j.editTicket(ticketReportedTime).ReportedTimeUs = j.Time.UnixMicro()
		}},
		wantPhoto: effect{`flag "no_photo" where a find on patrol names none; the first photo takes it away`, (*judgement).wantPhoto},
		takeEarly: effect{`what photos of it write that came before it: performers, before_photo, shown_photo_ids, no flag "no_photo"`, (*judgement).takeEarly},
	}
}

// placed: whether a find on patrol says where it is. Other channels may leave it to whoever triages.
func (j *judgement) placed() bool {
	t := j.written().GetTicket()
	if t.GetChannel() != roundsv1.Channel_CHANNEL_PATROL || t.GetLocation().GetPlaceId() != "" {
		return true
	}
	switch t.GetLocation().GetSource() {
	case roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX:
		return true
	case roundsv1.LocationSource_LOCATION_SOURCE_GPS:
		return t.GetLocation().GetAccuracyM() > 0
	}
	return false
}

// wantPhoto marks a find on patrol that names no photo.
func (j *judgement) wantPhoto() {
	t := j.written().GetTicket()
	if t.GetChannel() == roundsv1.Channel_CHANNEL_PATROL && len(t.GetOrigin().GetPhotoIds()) == 0 {
		j.flag(flagNoPhoto)
	}
}

func (j *judgement) hasNoPhoto() bool { return slices.Contains(j.ticket().GetFlags(), flagNoPhoto) }

// blank: whether a text is there that shows nothing. That there is none at all is another matter: a report may have the customer's words alone.
func blank(text string) bool { return text != "" && strings.TrimSpace(text) == "" }

func blankTitle() refusal {
	return refusal{missing, "title", "标题是空白的，请用几个字写明是什么事。", "The title is blank: say in a few words what it is about."}
}
